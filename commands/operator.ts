import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { BadInput, runCommand } from "../cli/command-line.ts";
import { OPERATORS } from "../components/kubernetes/operators.ts";
import { findHost } from "../infra/access/host-options.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { certificateRequest } from "./operator/certificate-request.ts";
import { operatorKubeconfig, type View } from "./operator/kubeconfig.ts";
import { parseOptions, USAGE } from "./operator/options.ts";
import { signed } from "./operator/sign.ts";
import { operatorTunnel } from "./operator/tunnel.ts";

/** `npm run operator`: a kubeconfig for one person, who may see and restart, and reads no Secret; and their way to the cluster. */
async function main(): Promise<number> {
  const { stack, kubeconfig, name, hours, out } = parseOptions(process.argv.slice(2));
  if (existsSync(out)) throw new BadInput(`--out ${out} exists: name another file, or remove it`);
  const { target, host } = await findStack(stack, kubeconfig, lineProgress());
  const view = JSON.parse(
    await target.kubectl(["config", "view", "--minify", "--flatten", "--raw", "--output=json"]),
  ) as View;
  const tunnel = host === undefined ? undefined : operatorTunnel(await findHost(host), view);
  const { key, request } = certificateRequest(name, OPERATORS);
  const certificate = await signed(target, request, hours * 3600);
  const text = operatorKubeconfig(view, { name, certificate, key });
  await writeFile(out, text, { mode: 0o600, flag: "wx" });
  process.stdout.write(
    `${out} lets ${name} look after the stack for ${hours} h. A certificate cannot be withdrawn: it ends by itself.\n`,
  );
  if (tunnel !== undefined) {
    process.stdout.write(
      `It reaches the cluster while ${name} keeps this open, with roles for the tunnel alone (infra/README.md, Before you begin):\n  ${tunnel}\n`,
    );
  }
  return 0;
}

await runCommand(main, { usage: USAGE });
