import { writeFile } from "node:fs/promises";
import { runCommand } from "../cli/command-line.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { collect } from "./usage/collect.ts";
import { renderHtml } from "./usage/html.ts";
import { parseOptions, USAGE } from "./usage/options.ts";
import { renderTerminal } from "./usage/terminal.ts";

/** `npm run usage`: what each agent of a stack spent, by day and model, and what is left of the budgets. */
async function main(): Promise<number> {
  const { stack, kubeconfig, json, html } = parseOptions(process.argv.slice(2));
  const { target } = await findStack(stack, kubeconfig, lineProgress());
  const { report, warnings } = await collect(target, stack);
  process.stdout.write(renderTerminal(report, warnings));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
  if (html !== undefined) await writeFile(html, renderHtml(report, warnings, new Date()));
  return 0;
}

await runCommand(main, { usage: USAGE });
