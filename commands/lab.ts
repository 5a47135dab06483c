/**
 * `npm run lab -- COMMAND [ARGUMENT…]`: runs a command in the running lab, in the node's network namespace, with
 * kubectl and pulumi set up. `npm run lab -- --internet COMMAND…` runs it in the lab's internet, outside the node.
 */
import { delimiter, dirname } from "node:path";
import { binDir, openLab, spawnInLab, withoutProxies } from "../test/lab/cluster/index.ts";
import { runningSandbox } from "../test/lab/cluster/sandbox.ts";
import { labPulumi } from "../test/lab/lab-pulumi.ts";
import { lineProgress } from "../test/lab/progress.ts";

const USAGE = "usage: npm run lab -- [--internet] COMMAND [ARGUMENT…]";

async function main(args: readonly string[]): Promise<number> {
  const inInternet = args[0] === "--internet";
  const argv = inInternet ? args.slice(1) : args;
  if (argv[0] === undefined || argv[0].startsWith("-")) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const lab = openLab();
  // Throws if no lab is running, before anything is built.
  runningSandbox(lab);
  const pulumi = await labPulumi(lab, lineProgress());
  const path = [binDir(lab), dirname(pulumi.binary), process.env.PATH ?? ""].join(delimiter);
  const child = spawnInLab(lab, argv, {
    netns: inInternet ? "internet" : "node",
    // The lab keeps its Pulumi stacks in its own copy of the project.
    cwd: argv[0] === "pulumi" ? pulumi.project.dir : process.cwd(),
    env: { ...withoutProxies(pulumi.env), PATH: path, KUBECONFIG: lab.kubeconfig },
  });
  // The terminal sends Ctrl-C to the command as well; this process only waits for the command's exit.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
