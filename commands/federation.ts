import { runCommand } from "../cli/command-line.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { gatewayNamespace } from "../test/verify/conformance/subject/gateway-namespace.ts";
import { clusterIssuer } from "./federation/issuer.ts";
import { parseOptions, USAGE } from "./federation/options.ts";
import { renderFederation } from "./federation/terminal.ts";

/** `npm run federation`: what to enter in the Claude Console, so that it trusts the gateway of a stack. */
async function main(): Promise<number> {
  const { stack, kubeconfig, namespace } = parseOptions(process.argv.slice(2));
  const { target } = await findStack(stack, kubeconfig, lineProgress());
  const place = namespace ?? (await gatewayNamespace(target, stack));
  process.stdout.write(renderFederation(await clusterIssuer(target), place));
  return 0;
}

await runCommand(main, { usage: USAGE });
