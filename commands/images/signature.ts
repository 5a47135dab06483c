import { bundleFromJSON, type Bundle } from "@sigstore/bundle";
import { toSignedEntity, type TrustMaterial, Verifier } from "@sigstore/verify";
import { type Repository, RegistryError } from "./registry.ts";

/** Who may have signed: a workflow of GitHub, as the certificate of the signature names it. */
export interface Identity {
  readonly workflow: string;
  readonly issuer: string;
}

/** A signature as it lies in a registry. */
interface Signature {
  readonly bundle: Bundle;
  /** What was signed, where it is not in the bundle. */
  readonly payload?: Buffer;
  /** Digests of the images that the signed text names. */
  readonly images: readonly string[];
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Layers {
  readonly layers?: readonly Descriptor[];
}

const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle/;
/** What `cosign sign` of release 3 says; other statements about an image, such as how it was built, say something else. */
const SIGNED = "https://sigstore.dev/cosign/sign/v1";
const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";

/**
 * Checks that `signer` signed the image with this digest. Throws {@link RegistryError} otherwise. Certificates, the log of
 * signatures and its time are checked by Sigstore's own library.
 */
export async function checkSignature(
  repository: Repository,
  digest: string,
  { signer, trust }: { readonly signer: Identity; readonly trust: TrustMaterial },
): Promise<void> {
  const problems: string[] = [];
  for await (const signature of signatures(repository, digest)) {
    const problem = problemOf(signature, digest, { signer, trust });
    if (problem === undefined) return;
    problems.push(problem);
  }
  throw new RegistryError(
    problems.length === 0
      ? `has no signature: do not deploy ${digest}, and look at how the vendor signs this release`
      : `has no valid signature: do not deploy ${digest}: ${[...new Set(problems)].join("; ")}`,
  );
}

function problemOf(
  { bundle, payload, images }: Signature,
  digest: string,
  { signer, trust }: { readonly signer: Identity; readonly trust: TrustMaterial },
): string | undefined {
  if (!images.includes(digest)) return `one is of ${images.join(", ") || "something else"}`;
  try {
    new Verifier(trust).verify(toSignedEntity(bundle, payload), {
      // The library takes a pattern.
      subjectAlternativeName: `^${signer.workflow.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`,
      extensions: { issuer: signer.issuer },
    });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Both forms: https://github.com/sigstore/cosign/tree/main/specs, BUNDLE_SPEC.md and SIGNATURE_SPEC.md. */
async function* signatures(repository: Repository, digest: string): AsyncGenerator<Signature> {
  const referrers = await repository.referrers(digest);
  const { manifests = [] } = parsed(referrers?.bytes) as { manifests?: readonly Descriptor[] };
  for (const { digest: manifest, artifactType } of manifests) {
    if (!BUNDLE.test(artifactType ?? "")) continue;
    const signature = await bundled(repository, manifest);
    if (signature !== undefined) yield signature;
  }
  const old = await repository.manifest(`${digest.replace(":", "-")}.sig`);
  const { layers = [] } = parsed(old?.bytes) as Layers;
  for (const layer of layers) {
    if (layer.mediaType === SIMPLE_SIGNING) yield await simple(repository, layer);
  }
}

async function bundled(repository: Repository, manifest: string): Promise<Signature | undefined> {
  const { bytes } = (await repository.manifest(manifest)) ?? { bytes: undefined };
  const [layer] = (parsed(bytes) as Layers).layers ?? [];
  if (layer === undefined) return undefined;
  const bundle = bundleFromJSON(parsed((await repository.blob(layer.digest)).bytes));
  if (bundle.content.$case !== "dsseEnvelope") return undefined;
  const statement = parsed(bundle.content.dsseEnvelope.payload) as {
    readonly predicateType?: string;
    readonly subject?: readonly { readonly digest?: { readonly sha256?: string } }[];
  };
  if (statement.predicateType !== SIGNED) return undefined;
  const images = (statement.subject ?? []).map((one) => `sha256:${one.digest?.sha256 ?? ""}`);
  return { bundle, images };
}

/** The older form: the signed text is a layer, and what proves it are annotations of the layer. */
async function simple(repository: Repository, layer: Descriptor): Promise<Signature> {
  const payload = (await repository.blob(layer.digest)).bytes;
  const { critical } = parsed(payload) as {
    readonly critical?: { readonly image?: { readonly "docker-manifest-digest"?: string } };
  };
  const { annotations = {} } = layer;
  const certificate = annotations["dev.sigstore.cosign/certificate"];
  const log = annotations["dev.sigstore.cosign/bundle"];
  const signature = annotations["dev.cosignproject.cosign/signature"];
  if (certificate === undefined || log === undefined || signature === undefined) {
    throw new RegistryError(
      "is signed with a key and not by a workflow: look at how the vendor signs this release",
    );
  }
  const entry = parsed(Buffer.from(log)) as {
    readonly SignedEntryTimestamp: string;
    readonly Payload: {
      readonly body: string;
      readonly integratedTime: number;
      readonly logIndex: number;
      readonly logID: string;
    };
  };
  const bundle = bundleFromJSON({
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: {
      x509CertificateChain: { certificates: [{ rawBytes: der(certificate) }] },
      tlogEntries: [
        {
          logIndex: String(entry.Payload.logIndex),
          logId: { keyId: Buffer.from(entry.Payload.logID, "hex").toString("base64") },
          kindVersion: { kind: "hashedrekord", version: "0.0.1" },
          integratedTime: String(entry.Payload.integratedTime),
          inclusionPromise: { signedEntryTimestamp: entry.SignedEntryTimestamp },
          canonicalizedBody: entry.Payload.body,
        },
      ],
    },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: Buffer.from(layer.digest.slice("sha256:".length), "hex").toString("base64"),
      },
      signature,
    },
  });
  return { bundle, payload, images: [critical?.image?.["docker-manifest-digest"] ?? ""] };
}

function der(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, "");
}

function parsed(bytes: Buffer | undefined): unknown {
  return JSON.parse(bytes?.toString() ?? "{}");
}
