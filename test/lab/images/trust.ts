import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Progress } from "../progress.ts";
import { labCa } from "../parts/ca.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack, type Layer } from "./layer.ts";

const BUNDLE = "etc/ssl/certs/ca-certificates.crt";
const OWN = "usr/local/share/ca-certificates/claude-gateway-lab.crt";

/** For programs with their own list of authorities, to which they add the authorities in this file. */
export const NODE_TRUST = `NODE_EXTRA_CA_CERTS=/${OWN}`;
/** For Python programs, which would use certifi's list. */
export const PYTHON_TRUST = `SSL_CERT_FILE=/${BUNDLE}`;

/** The top layer of every image: adds the lab's authority to those that Debian trusts. */
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
