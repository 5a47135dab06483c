import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AnthropicControl } from "../anthropic/client.ts";
import { daemonPid, type Lab, startDaemon, stopDaemon } from "../cluster/index.ts";
import { INTERNET_HOSTS } from "../cluster/network.ts";
import { labCa } from "../parts/ca.ts";
import { issueCertificate } from "../parts/certificates.ts";
import type { PoolProvider } from "../tokens/google.ts";

/** Region of the simulated Vertex AI. Its host is in the lab's zone. */
export const LAB_VERTEX_REGION = "us-east5";

/** Region of the simulated Bedrock. Its host is in the lab's zone. */
export const LAB_BEDROCK_REGION = "us-east-1";

/** The Bedrock API key that the stand-in accepts, in the form of a real one. */
export const LAB_BEDROCK_KEY = `ABSK${Buffer.from("BedrockAPIKey-lab-at-000000000000:lab-bedrock").toString("base64url")}`;

const GOOGLE_HOSTS = [
  `${LAB_VERTEX_REGION}-aiplatform.googleapis.com`,
  "sts.googleapis.com",
  "iamcredentials.googleapis.com",
] as const;

/** Starts the simulated hosts of Google in `internet`, with this pool's provider. If they run already, they start again. */
export async function startGoogle(lab: Lab, pool: PoolProvider): Promise<AnthropicControl> {
  await stopDaemon(lab, "google");
  const file = join(lab.dir, "google", "pool.json");
  await mkdir(join(lab.dir, "google"), { recursive: true });
  await writeFile(file, JSON.stringify(pool));
  return start(lab, { name: "google", hosts: GOOGLE_HOSTS, args: ["google", file] });
}

/** Starts the simulated host of Bedrock in `internet`, if it does not run yet. */
export async function ensureBedrock(lab: Lab): Promise<AnthropicControl> {
  const file = join(lab.dir, "bedrock", "credentials");
  await mkdir(join(lab.dir, "bedrock"), { recursive: true });
  await writeFile(file, `${LAB_BEDROCK_KEY}\n`, { mode: 0o600 });
  return start(lab, {
    name: "bedrock",
    hosts: [`bedrock-runtime.${LAB_BEDROCK_REGION}.amazonaws.com`],
    args: ["bedrock", "--credentials", file],
  });
}

async function start(
  lab: Lab,
  daemon: {
    readonly name: string;
    /** Host names of its certificate, all with one address. */
    readonly hosts: readonly [string, ...string[]];
    readonly args: readonly string[];
  },
): Promise<AnthropicControl> {
  const { name, hosts, args } = daemon;
  const socket = join(lab.dir, `${name}.sock`);
  const control = new AnthropicControl(socket);
  if (daemonPid(lab, name) === undefined) {
    const dir = join(lab.dir, name);
    const { certFile, keyFile } = await issueCertificate(await labCa(), dir, name, {
      commonName: hosts[0],
      names: [...hosts],
    });
    await startDaemon(lab, {
      name,
      netns: "internet",
      cwd: lab.cloneDir,
      argv: [
        ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "main.ts"), ...args],
        ...["--listen", `${INTERNET_HOSTS[hosts[0]] ?? ""}:443`],
        ...["--cert", certFile, "--key", keyFile, "--control", socket],
      ],
    });
  }
  await control.ready(30_000);
  return control;
}
