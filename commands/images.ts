import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getTrustedRoot } from "@sigstore/tuf";
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify";
import { runCommand } from "../cli/command-line.ts";
import { images as pinnedImages } from "../stacks/versions.ts";
import { litellmSignatures, litellmSigner } from "./images/litellm.ts";
import { lookUp, type Finding } from "./images/look-up.ts";
import { parseOptions, USAGE } from "./images/options.ts";
import { Repository, Unreachable } from "./images/registry.ts";
import { checkSignature } from "./images/signature.ts";
import { StackFile } from "./images/stack-file.ts";
import { renderTerminal } from "./images/terminal.ts";

const STACKS = join(import.meta.dirname, "../stacks");

/** `npm run images`: the digest of each deployed image, and whether LiteLLM's is signed by its vendor. */
async function main(): Promise<number> {
  const { stack, newer, write, json } = parseOptions(process.argv.slice(2));
  const file = stack === undefined ? undefined : new StackFile(STACKS, stack);
  const named = file?.images ?? {};
  const findings: Finding[] = [];
  for (const [key, pinned] of Object.entries(pinnedImages)) {
    const image = named[key] ?? pinned;
    findings.push(
      await lookUp(key, image, {
        newer,
        ...(key === "litellm" && { checkSignature: signedByLiteLlm }),
      }),
    );
  }
  process.stdout.write(renderTerminal(findings, stack));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(findings, null, 2)}\n`);
  if (findings.some(({ unreachable }) => unreachable)) return 2;
  if (findings.some(({ problem }) => problem !== undefined)) return 1;
  if (write) {
    await file?.write(Object.fromEntries(findings.map(({ key, pinned = "" }) => [key, pinned])));
  }
  return 0;
}

async function signedByLiteLlm(digest: string): Promise<void> {
  await checkSignature(new Repository(litellmSignatures), digest, {
    signer: litellmSigner,
    trust: await sigstoreTrust(),
  });
}

/** The certificates and logs of Sigstore, updated by its own signed list; the first is in the package. */
async function sigstoreTrust(): Promise<TrustMaterial> {
  try {
    return toTrustMaterial(await getTrustedRoot());
  } catch (error) {
    throw new Unreachable(
      `Sigstore's certificates cannot be had (${(error as Error).message}): run this where there is a network`,
    );
  }
}

await runCommand(main, { usage: USAGE, errorCode: 2 });
