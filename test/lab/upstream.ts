import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AnthropicControl } from "./anthropic/client.ts";
import { daemonPid, type Lab, startDaemon, stopDaemon } from "./cluster/index.ts";
import { labCa } from "./parts/ca.ts";
import { issueCertificate } from "./parts/certificates.ts";

/** The key that the fake API accepts as a real one. */
export const LAB_API_KEY = "sk-ant-api03-lab-upstream-key";

const NAME = "anthropic";
const HOST = "api.anthropic.com";
/** The address that the lab's resolver returns for {@link HOST}. */
const ADDRESS = "160.79.104.10";

/** The fake Anthropic API of a lab. Starts it in `internet` if it does not run there yet. */
export async function ensureUpstream(lab: Lab): Promise<AnthropicControl> {
  const socket = join(lab.dir, "anthropic.sock");
  const control = new AnthropicControl(socket);
  if (daemonPid(lab, NAME) !== undefined) {
    await control.ready();
    return control;
  }
  const dir = join(lab.dir, "upstream");
  await mkdir(dir, { recursive: true });
  const { certFile, keyFile } = await issueCertificate(await labCa(), dir, NAME, {
    commonName: HOST,
    names: [HOST],
  });
  const credentials = join(dir, "credentials");
  await writeFile(credentials, `${LAB_API_KEY}\n`);
  await chmod(credentials, 0o600);
  await startDaemon(lab, {
    name: NAME,
    netns: "internet",
    cwd: lab.cloneDir,
    argv: [
      ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "anthropic/main.ts")],
      ...["--listen", `${ADDRESS}:443`, "--cert", certFile, "--key", keyFile],
      ...["--control", socket, "--credentials", credentials],
    ],
  });
  await control.ready(30_000);
  return control;
}

/** Stops the fake API. Then nothing answers at its address. */
export async function stopUpstream(lab: Lab): Promise<void> {
  await stopDaemon(lab, NAME);
}
