import { openLab, takeDown } from "./cluster/index.ts";
import { lineProgress } from "./progress.ts";

/** The tests share one lab; after the last of them nothing of it stays. */
export async function teardown(): Promise<void> {
  await takeDown(openLab(), lineProgress());
}
