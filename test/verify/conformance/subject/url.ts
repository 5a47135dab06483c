import { spawn } from "node:child_process";
import { PATIENCE_MS } from "../checks/check.ts";
import { RAW_CLIENT_SOURCE, RawClient } from "../client/raw-client.ts";
import { preflight } from "./preflight.ts";
import type { Subject } from "./subject.ts";

/** Opens a gateway that is not ours, from this machine. Its token is in the environment. Throws {@link BadInput}. */
export async function openUrl(url: string, long: boolean): Promise<Subject> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", RAW_CLIENT_SOURCE], {
    stdio: "pipe",
    detached: true,
    env: { ...process.env, ANTHROPIC_BASE_URL: url },
  });
  const client = await RawClient.over(child);
  try {
    await preflight(client);
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    stack: url,
    path: "external",
    versions: {},
    baseUrl: url,
    context: { client, patienceMs: PATIENCE_MS, long },
    close: () => {
      client.close();
    },
  };
}
