import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Progress } from "../progress.ts";
import { labCa } from "../parts/ca.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack, type Layer } from "./layer.ts";

const BUNDLE = "etc/ssl/certs/ca-certificates.crt";
const OWN = "usr/local/share/ca-certificates/claude-gateway-lab.crt";

/** For programs that bring their own list of authorities and add to it what this file holds. */
export const NODE_TRUST = `NODE_EXTRA_CA_CERTS=/${OWN}`;
/** For Python's programs, which would read certifi's list. */
export const PYTHON_TRUST = `SSL_CERT_FILE=/${BUNDLE}`;

/** The topmost layer of every image: the lab's authority among those that Debian trusts. */
export async function trustLayer(progress: Progress): Promise<Layer> {
  const { certFile } = await labCa();
  const { system } = await debianLayers(progress);
  const ca = await readFile(certFile, "utf8");
  return layer(
    {
      name: "trust",
      source: import.meta.filename,
      inputs: [ca, system.digest],
      async fill(root) {
        await unpack([system], root, [`./${BUNDLE}`]);
        for (const path of [BUNDLE, OWN]) {
          await mkdir(dirname(join(root, path)), { recursive: true });
          await appendFile(join(root, path), ca);
        }
      },
    },
    progress,
  );
}
