import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { BadInput, runCommand } from "../cli/command-line.ts";
import { OPERATORS } from "../components/kubernetes/operators.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { certificateRequest } from "./operator/certificate-request.ts";
import { operatorKubeconfig, type View } from "./operator/kubeconfig.ts";
import { parseOptions, USAGE } from "./operator/options.ts";
import { signed } from "./operator/sign.ts";

/** `npm run operator`: a kubeconfig for one person, who may see and restart, and reads no Secret. */
async function main(): Promise<number> {
  const { stack, kubeconfig, name, hours, out } = parseOptions(process.argv.slice(2));
  if (existsSync(out)) throw new BadInput(`--out ${out} exists: name another file, or remove it`);
  const { target } = await findStack(stack, kubeconfig, lineProgress());
  const { key, request } = certificateRequest(name, OPERATORS);
  const certificate = await signed(target, request, hours * 3600);
  const view = await target.kubectl([
    ...["config", "view", "--minify", "--flatten", "--raw", "--output=json"],
  ]);
  const text = operatorKubeconfig(JSON.parse(view) as View, { name, certificate, key });
  await writeFile(out, text, { mode: 0o600, flag: "wx" });
  process.stdout.write(
    `${out} lets ${name} look after the stack for ${hours} h. A certificate cannot be withdrawn: it ends by itself.\n`,
  );
  return 0;
}

await runCommand(main, { usage: USAGE });
