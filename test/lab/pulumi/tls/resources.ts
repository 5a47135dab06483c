import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { GeneratedResource } from "../provider/generated.ts";
import { Secret, type PropertyMap } from "../provider/values.ts";
import { KEY_USAGES, selfSigned, type SubjectNames } from "./certificate.ts";

/** What distinguishes one kind of resource from another. */
export interface TlsResource extends GeneratedResource {
  /** Inputs whose change updates the resource in place; every other one replaces it. */
  readonly updatable: readonly string[];
  /** Inputs, given or not, that are secret in the state. */
  readonly secrets: readonly string[];
  readonly defaults: PropertyMap;
  generate(inputs: PropertyMap, now: Date): { id: string; outputs: PropertyMap };
}

const CURVES: Readonly<Record<string, string>> = { P256: "P-256", P384: "P-384" };

const MS_PER_HOUR = 3_600_000;

/** Every resource that the simulated provider knows, by type token. */
export const TLS_RESOURCES: Readonly<Record<string, TlsResource>> = {
  "tls:index/privateKey:PrivateKey": {
    inputs: { algorithm: "string", ecdsaCurve: "string", rsaBits: "number" },
    required: ["algorithm"],
    updatable: [],
    secrets: [],
    computed: ["privateKeyPem", "privateKeyPemPkcs8", "publicKeyPem"],
    // The original's default curve is P224.
    defaults: { ecdsaCurve: "P224", rsaBits: 2048 },
    validate({ algorithm, ecdsaCurve }) {
      if (algorithm !== "ECDSA") {
        return {
          property: "algorithm",
          reason: `the simulated tls provider makes only ECDSA keys, got: ${JSON.stringify(algorithm)}`,
        };
      }
      return CURVES[ecdsaCurve as string] === undefined
        ? {
            property: "ecdsaCurve",
            reason: `the simulated tls provider knows only P256 and P384, got: ${JSON.stringify(ecdsaCurve)}`,
          }
        : undefined;
    },
    generate({ ecdsaCurve }) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", {
        namedCurve: CURVES[ecdsaCurve as string] ?? "",
      });
      const publicKeyPem = publicKey.export({ type: "spki", format: "pem" });
      const secret = (type: "sec1" | "pkcs8") =>
        new Secret(privateKey.export({ type, format: "pem" }).toString());
      return {
        id: createHash("sha1").update(publicKeyPem).digest("hex"),
        outputs: {
          privateKeyPem: secret("sec1"),
          privateKeyPemPkcs8: secret("pkcs8"),
          publicKeyPem: publicKeyPem.toString(),
        },
      };
    },
  },
  "tls:index/selfSignedCert:SelfSignedCert": {
    inputs: {
      privateKeyPem: "string",
      subject: "object",
      allowedUses: "object",
      validityPeriodHours: "number",
      earlyRenewalHours: "number",
      isCaCertificate: "boolean",
      setSubjectKeyId: "boolean",
      setAuthorityKeyId: "boolean",
      maxPathLength: "number",
    },
    required: ["privateKeyPem", "allowedUses", "validityPeriodHours"],
    updatable: ["earlyRenewalHours"],
    secrets: ["privateKeyPem"],
    computed: [
      "certPem",
      "keyAlgorithm",
      "readyForRenewal",
      "validityStartTime",
      "validityEndTime",
    ],
    defaults: {
      earlyRenewalHours: 0,
      isCaCertificate: false,
      setSubjectKeyId: false,
      setAuthorityKeyId: false,
    },
    validate(inputs) {
      for (const name of ["validityPeriodHours", "earlyRenewalHours"]) {
        if ((inputs[name] as number) < 0)
          return {
            property: name,
            reason: `${name} must be at least 0, got: ${JSON.stringify(inputs[name])}`,
          };
      }
      const unknown = (inputs.allowedUses as string[]).find((use) => !(use in KEY_USAGES));
      if (unknown !== undefined)
        return {
          property: "allowedUses",
          reason: `allowedUses has the unknown value "${unknown}"`,
        };
      if (
        inputs.isCaCertificate === true &&
        Object.keys((inputs.subject ?? {}) as object).length === 0
      ) {
        return {
          property: "subject",
          reason:
            "Must contain at least one Distinguished Name when creating Certificate Authority (CA)",
        };
      }
      return undefined;
    },
    generate(inputs, now) {
      const key = createPrivateKey(inputs.privateKeyPem as string);
      // The original's times have no fractions of a second in the certificate.
      const begins = new Date(Math.floor(now.getTime() / 1000) * 1000);
      const ends = new Date(
        begins.getTime() + (inputs.validityPeriodHours as number) * MS_PER_HOUR,
      );
      const authority = inputs.isCaCertificate === true;
      const { serial, pem } = selfSigned({
        key,
        publicKey: createPublicKey(key),
        subject: (inputs.subject ?? {}) as SubjectNames,
        begins,
        ends,
        authority,
        maxPathLength: inputs.maxPathLength as number | undefined,
        uses: inputs.allowedUses as string[],
        // An authority always has one.
        subjectKeyId: authority || inputs.setSubjectKeyId === true,
        authorityKeyId: inputs.setAuthorityKeyId === true,
      });
      return {
        id: serial,
        outputs: {
          certPem: pem,
          keyAlgorithm: "ECDSA",
          readyForRenewal: false,
          validityStartTime: begins.toISOString(),
          validityEndTime: ends.toISOString(),
        },
      };
    },
  },
};

/** Whether a certificate has ended, or ends within its early renewal. */
export function readyForRenewal(
  { validityEndTime, earlyRenewalHours }: PropertyMap,
  now: Date,
): boolean {
  if (typeof validityEndTime !== "string") return false;
  const early = typeof earlyRenewalHours === "number" ? earlyRenewalHours : 0;
  return Date.parse(validityEndTime) - early * MS_PER_HOUR <= now.getTime();
}
