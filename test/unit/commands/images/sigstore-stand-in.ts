import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { initializeCA, initializeTLog } from "@sigstore/mock";
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify";
import { type RegistryStandIn, sha256 } from "./registry-stand-in.ts";

const STATEMENT = "application/vnd.in-toto+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const LOG = "https://rekor.example.com";
const START = new Date(0);
/** `PKIX_ECDSA_P256_SHA_256` of Sigstore's protobuf. */
const ECDSA_P256 = 5;

type Authority = Awaited<ReturnType<typeof initializeCA>>;
type Log = Awaited<ReturnType<typeof initializeTLog>>;
type TrustedRoot = Parameters<typeof toTrustMaterial>[0];

/** Of Rekor's API, what is used. The package refers to types that it does not bring. */
interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logIndex: number;
  readonly logID: string;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: {
      readonly logIndex: number;
      readonly rootHash: string;
      readonly treeSize: number;
      readonly hashes: readonly string[];
      readonly checkpoint: string;
    };
  };
}

/** What a signature says, and who made it. */
export interface Signing {
  /** The digest that is signed. */
  readonly image: string;
  readonly workflow: string;
  readonly issuer: string;
  readonly predicateType?: string;
  /** Changes the signature's bytes. */
  readonly broken?: boolean;
}

/** Sigstore's certificate authority and logs, with keys of its own: its maintainers' stand-ins, and cosign's two formats. */
export class SigstoreStandIn {
  readonly trust: TrustMaterial;
  readonly #ca: Authority;
  readonly #log: Log;

  private constructor(trust: TrustMaterial, ca: Authority, log: Log) {
    this.trust = trust;
    this.#ca = ca;
    this.#log = log;
  }

  static async start(): Promise<SigstoreStandIn> {
    const ctlog = certificateLog();
    const ca = await initializeCA(generateKeyPairSync("ec", { namedCurve: "P-384" }), ctlog);
    const tlog = await initializeTLog(LOG, p256());
    const authority = (publicKey: Buffer) => ({
      baseUrl: LOG,
      logId: { keyId: Buffer.from(sha256(publicKey).slice(7), "hex") },
      publicKey: { rawBytes: publicKey, keyDetails: ECDSA_P256, validFor: { start: START } },
      checkpointKeyId: undefined,
      operator: "",
    });
    const root = {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [authority(tlog.publicKey)],
      ctlogs: [authority(ctlog.publicKey)],
      timestampAuthorities: [],
      certificateAuthorities: [
        {
          subject: undefined,
          uri: "",
          certChain: { certificates: [{ rawBytes: ca.rootCertificate }] },
          validFor: { start: START },
          operator: "",
        },
      ],
    };
    const trust = toTrustMaterial(root as unknown as TrustedRoot);
    return new SigstoreStandIn(trust, ca, tlog);
  }

  /** As cosign 3 signs: a bundle that refers to the image. */
  async sign(registry: RegistryStandIn, at: string, signing: Signing): Promise<void> {
    const payload = Buffer.from(
      JSON.stringify({
        _type: "https://in-toto.io/Statement/v1",
        subject: [{ digest: { sha256: signing.image.slice(7) } }],
        predicateType: signing.predicateType ?? "https://sigstore.dev/cosign/sign/v1",
        predicate: {},
      }),
    );
    const encoded = Buffer.from(`DSSEv1 ${STATEMENT.length} ${STATEMENT} ${payload.length} `);
    const { certificate, signature } = await this.#signed(
      Buffer.concat([encoded, payload]),
      signing,
    );
    const entry = await this.#entry({
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        payloadHash: { algorithm: "sha256", value: sha256(payload).slice(7) },
        signatures: [{ signature: signature.toString("base64"), verifier: pem(certificate) }],
      },
    });
    const bundle = {
      mediaType: BUNDLE,
      verificationMaterial: {
        certificate: { rawBytes: certificate.toString("base64") },
        tlogEntries: [
          {
            logIndex: String(entry.logIndex),
            logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") },
            kindVersion: { kind: "dsse", version: "0.0.1" },
            integratedTime: String(entry.integratedTime),
            inclusionPromise: { signedEntryTimestamp: entry.promise },
            inclusionProof: entry.proof,
            canonicalizedBody: entry.body,
          },
        ],
      },
      dsseEnvelope: {
        payload: payload.toString("base64"),
        payloadType: STATEMENT,
        signatures: [{ sig: signature.toString("base64") }],
      },
    };
    const layer = registry.blob(Buffer.from(JSON.stringify(bundle)));
    const manifest = { schemaVersion: 2, artifactType: BUNDLE, layers: [{ digest: layer }] };
    const digest = registry.push(undefined, manifest, MANIFEST);
    registry.refer(at, [{ digest, artifactType: BUNDLE }]);
  }

  /** As cosign 2 signs: a tag beside the image. */
  async signOld(registry: RegistryStandIn, at: string, signing: Signing): Promise<void> {
    const payload = Buffer.from(
      JSON.stringify({
        critical: {
          identity: { "docker-reference": registry.image },
          image: { "docker-manifest-digest": signing.image },
          type: "cosign container image signature",
        },
        optional: null,
      }),
    );
    const { certificate, signature } = await this.#signed(payload, signing);
    const entry = await this.#entry({
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm: "sha256", value: sha256(payload).slice(7) } },
        signature: {
          content: signature.toString("base64"),
          publicKey: { content: Buffer.from(pem(certificate)).toString("base64") },
        },
      },
    });
    const { body, integratedTime, logIndex, logID } = entry;
    pushOld(registry, at, payload, {
      "dev.cosignproject.cosign/signature": signature.toString("base64"),
      "dev.sigstore.cosign/certificate": pem(certificate),
      "dev.sigstore.cosign/bundle": JSON.stringify({
        SignedEntryTimestamp: entry.promise,
        Payload: { body, integratedTime, logIndex, logID },
      }),
    });
  }

  async #signed(
    bytes: Buffer,
    { workflow, issuer, broken = false }: Signing,
  ): Promise<{ certificate: Buffer; signature: Buffer }> {
    const { publicKey, privateKey } = p256();
    const certificate = await this.#ca.issueCertificate({
      publicKey: publicKey.export({ format: "der", type: "spki" }),
      subjectAltName: workflow,
      extensions: [{ oid: "1.3.6.1.4.1.57264.1.1", value: issuer, legacy: true }],
    });
    return {
      certificate,
      signature: sign("sha256", broken ? Buffer.from("x") : bytes, privateKey),
    };
  }

  async #entry(proposed: object) {
    const entries = (await this.#log.log(proposed)) as Readonly<Record<string, LogEntry>>;
    const [entry] = Object.values(entries);
    if (entry === undefined) throw new Error("the log made no entry");
    const proof = entry.verification.inclusionProof;
    return {
      body: entry.body,
      integratedTime: entry.integratedTime,
      logIndex: entry.logIndex,
      logID: entry.logID,
      promise: entry.verification.signedEntryTimestamp,
      proof: {
        logIndex: String(proof.logIndex),
        rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"),
        treeSize: String(proof.treeSize),
        hashes: proof.hashes,
        checkpoint: { envelope: proof.checkpoint },
      },
    };
  }
}

/** Signs with a key and nothing else, as LiteLLM's releases did until November 2026. */
export function signWithKey(registry: RegistryStandIn, image: string): void {
  const payload = Buffer.from(
    JSON.stringify({ critical: { image: { "docker-manifest-digest": image } } }),
  );
  const signature = sign("sha256", payload, p256().privateKey).toString("base64");
  pushOld(registry, image, payload, { "dev.cosignproject.cosign/signature": signature });
}

function pushOld(
  registry: RegistryStandIn,
  at: string,
  payload: Buffer,
  annotations: Readonly<Record<string, string>>,
): void {
  const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
  const layers = [{ mediaType, digest: registry.blob(payload), annotations }];
  registry.push(`${at.replace(":", "-")}.sig`, { schemaVersion: 2, layers }, MANIFEST);
}

/**
 * A log of certificates: https://www.rfc-editor.org/rfc/rfc6962#section-3.2. The package's own writes no signature with the
 * pkijs of today.
 */
function certificateLog() {
  const keys = p256();
  const publicKey = keys.publicKey.export({ format: "der", type: "spki" });
  const logID = Buffer.from(sha256(publicKey).slice(7), "hex");
  const log = (certificate: ArrayBuffer, issuer: ArrayBuffer): Promise<ArrayBuffer> => {
    const body = firstElement(Buffer.from(certificate));
    const time = number(Date.now(), 8);
    const version1 = number(0, 1);
    const signature = sign(
      "sha256",
      Buffer.concat([
        ...[version1, number(0, 1), time, number(1, 2), Buffer.from(issuer)],
        ...[number(body.length, 3), body, number(0, 2)],
      ]),
      keys.privateKey,
    );
    const noExtensions = number(0, 2);
    const sha256WithEcdsa = Buffer.from([4, 3]);
    const entry = Buffer.concat([
      ...[version1, logID, time, noExtensions, sha256WithEcdsa],
      ...[number(signature.length, 2), signature],
    ]);
    return Promise.resolve(new Uint8Array([...number(entry.length, 2), ...entry]).buffer);
  };
  return { publicKey, logID, log };
}

/** The first element of a DER sequence: of a certificate, what its issuer signed. */
function firstElement(der: Buffer): Buffer {
  const inner = der.subarray(headerLength(der));
  const header = headerLength(inner);
  return inner.subarray(0, header + inner.readUIntBE(2, header - 2));
}

/** Both sequences are longer than 127 bytes: a type, the length of the length, the length. */
function headerLength(der: Buffer): number {
  return 2 + ((der[1] ?? 0) & 0x7f);
}

function number(value: number, bytes: number): Buffer {
  const written = Buffer.alloc(bytes);
  written.writeUIntBE(value, Math.max(0, bytes - 6), Math.min(bytes, 6));
  return written;
}

function p256(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
}
