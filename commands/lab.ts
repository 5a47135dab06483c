/**
 * `npm run lab -- COMMAND [ARGUMENT…]`: runs a command inside the running lab, as its node sees the world, with
 * kubectl and pulumi set up for it. `npm run lab -- --internet COMMAND…` runs it on the far side of the node's link.
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
  // Throws if there is none, before anything is built.
  runningSandbox(lab);
  const pulumi = await labPulumi(lab, lineProgress());
  const path = [binDir(lab), dirname(pulumi.binary), process.env.PATH ?? ""].join(delimiter);
  const child = spawnInLab(lab, argv, {
    netns: inInternet ? "internet" : "node",
    // Pulumi's stacks here are those of the project's double.
    cwd: argv[0] === "pulumi" ? pulumi.project.dir : process.cwd(),
    env: { ...withoutProxies(pulumi.env), PATH: path, KUBECONFIG: lab.kubeconfig },
  });
  // Ctrl-C reaches the command by the terminal; this process only waits for how it ends.
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
