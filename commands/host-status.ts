/** `npm run host:status -- --stack H`: how far the machine's set-up is. Exit code 0 when the cluster can be used. */
import { runCommand } from "../cli/command-line.ts";
import { readHostStatus } from "../infra/access/gcloud.ts";
import { findHost, readOptions } from "../infra/access/host-options.ts";
import { isReady, renderStatus } from "../infra/access/host-status.ts";

await runCommand(
  async () => {
    const { stack } = readOptions(process.argv.slice(2), {});
    const status = await readHostStatus(await findHost(stack));
    process.stdout.write(renderStatus(status));
    return isReady(status) ? 0 : 1;
  },
  { usage: "usage: npm run host:status -- --stack STACK" },
);
