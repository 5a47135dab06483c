import { join } from "node:path";
import { daemonPid, type Lab, runInLab, startDaemon } from "../cluster/index.ts";
import { INTERNET_HOSTS } from "../cluster/network.ts";
import { labCa } from "../parts/ca.ts";
import { issueCertificate } from "../parts/certificates.ts";
import type { Export } from "./receiver.ts";

const NAME = "otlp";

/** Host of the simulated OTLP receiver in `internet`. Its endpoint is `https://` and this name. */
export const OTLP_HOST = "otlp.example.com";

const ADDRESS = INTERNET_HOSTS[OTLP_HOST] ?? "";

/** Starts the simulated OTLP receiver in `internet`, if it does not run yet. */
export async function ensureOtlp(lab: Lab): Promise<void> {
  if (daemonPid(lab, NAME) !== undefined) return;
  const { certFile, keyFile } = await issueCertificate(await labCa(), join(lab.dir, NAME), NAME, {
    commonName: OTLP_HOST,
    names: [OTLP_HOST],
  });
  await startDaemon(lab, {
    name: NAME,
    netns: "internet",
    cwd: lab.cloneDir,
    argv: [
      ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "main.ts")],
      ...["--cert", certFile, "--key", keyFile, "--listen", ADDRESS, "--port", "443"],
    ],
  });
}

/** What the receiver has accepted. */
export async function otlpExports(lab: Lab): Promise<readonly Export[]> {
  const ask = ["curl", "--silent", "--fail", "--insecure", `https://${ADDRESS}/exports`];
  const { stdout } = await runInLab(lab, ask, { netns: "internet", cwd: "/" });
  return JSON.parse(stdout) as Export[];
}
