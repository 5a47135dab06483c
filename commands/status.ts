import { writeFile } from "node:fs/promises";
import { runCommand } from "../cli/command-line.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { collect } from "./status/collect.ts";
import { parseOptions, USAGE } from "./status/options.ts";
import { needsPerson } from "./status/report.ts";
import { renderTerminal } from "./status/terminal.ts";

/** `npm run status`: how a gateway stack is, on one screen, and what needs a person. */
async function main(): Promise<number> {
  const { stack, kubeconfig, json } = parseOptions(process.argv.slice(2));
  const report = await collect(await findStack(stack, kubeconfig, lineProgress()), stack);
  process.stdout.write(renderTerminal(report));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  return needsPerson(report) ? 1 : 0;
}

// 1 says that something needs a person.
await runCommand(main, { usage: USAGE, errorCode: 2 });
