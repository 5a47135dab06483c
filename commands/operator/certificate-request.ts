import { generateKeyPairSync, sign } from "node:crypto";
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
} from "@peculiar/asn1-x509";

const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";
const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";

/** A new private key, and a request for a certificate of it. Both are PEM. */
export interface CertificateRequest {
  readonly key: string;
  readonly request: string;
}

/** Kubernetes takes the common name as the user, and the organization as the group. */
export function certificateRequest(user: string, group: string): CertificateRequest {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const info = new CertificationRequestInfo({
    subject: new Name([part(ORGANIZATION, group), part(COMMON_NAME, user)]),
    subjectPKInfo: AsnConvert.parse(
      publicKey.export({ type: "spki", format: "der" }),
      SubjectPublicKeyInfo,
    ),
  });
  const signed = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 }),
    signature: arrayBuffer(sign("sha256", Buffer.from(AsnConvert.serialize(info)), privateKey)),
  });
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    request: pem(Buffer.from(AsnConvert.serialize(signed))),
  };
}

function part(type: string, value: string): RelativeDistinguishedName {
  return new RelativeDistinguishedName([
    new AttributeTypeAndValue({ type, value: new AttributeValue({ utf8String: value }) }),
  ]);
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [
    `-----BEGIN CERTIFICATE REQUEST-----`,
    ...lines,
    `-----END CERTIFICATE REQUEST-----`,
    "",
  ].join("\n");
}
