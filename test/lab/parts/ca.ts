import { join } from "node:path";
import { createAuthority, type KeyPair } from "./certificates.ts";
import { part } from "./store.ts";

const COMMON_NAME = "claude-gateway lab";

/**
 * The authority that signs the certificates of the lab's simulated servers. There is one per cache: images that trust it
 * work in every lab.
 */
export async function labCa(): Promise<KeyPair> {
  const dir = await part({
    name: "lab-ca",
    inputs: [COMMON_NAME],
    build: async (dir) => {
      await createAuthority(dir, "ca", COMMON_NAME);
    },
  });
  return { certFile: join(dir, "ca.pem"), keyFile: join(dir, "ca.key") };
}
