/** `npm run host:status -- --stack H`: how far the machine's set-up is. Exit code 0 when the cluster can be used. */
import { findHost, readOptions, runCommand } from "./command-line.ts";
import { readHostStatus } from "./gcloud.ts";
import { isReady, renderStatus } from "./host-status.ts";

await runCommand("usage: npm run host:status -- --stack STACK", async () => {
  const { stack } = readOptions(process.argv.slice(2), {});
  const status = await readHostStatus(await findHost(stack));
  process.stdout.write(renderStatus(status));
  return isReady(status) ? 0 : 1;
});
