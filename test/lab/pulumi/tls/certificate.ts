import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";

export interface SubjectNames {
  readonly commonName?: string;
  readonly organization?: string;
}

/** The allowed uses that are key usages, with their bits. */
export const KEY_USAGES = {
  digital_signature: KeyUsageFlags.digitalSignature,
  content_commitment: KeyUsageFlags.nonRepudiation,
  key_encipherment: KeyUsageFlags.keyEncipherment,
  data_encipherment: KeyUsageFlags.dataEncipherment,
  key_agreement: KeyUsageFlags.keyAgreement,
  cert_signing: KeyUsageFlags.keyCertSign,
  crl_signing: KeyUsageFlags.cRLSign,
} as const;

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const NAME_TYPES = { organization: "2.5.4.10", commonName: "2.5.4.3" } as const;

/** A certificate that its own key signs. */
export function selfSigned(args: {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
  readonly subject: SubjectNames;
  readonly begins: Date;
  readonly ends: Date;
  readonly authority: boolean;
  readonly maxPathLength: number | undefined;
  readonly uses: readonly string[];
  readonly subjectKeyId: boolean;
  readonly authorityKeyId: boolean;
}): { readonly serial: string; readonly pem: string } {
  const number = randomBytes(16);
  // Positive, and without a leading zero, which DER does not allow.
  number[0] = ((number[0] ?? 0) & 0x7f) | 0x40;
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const name = nameOf(args.subject);
  const publicKey = AsnConvert.parse(
    args.publicKey.export({ type: "spki", format: "der" }),
    SubjectPublicKeyInfo,
  );
  const keyId = bytes(createHash("sha1").update(Buffer.from(publicKey.subjectPublicKey)).digest());
  const usage = args.uses.reduce(
    (bits, use) => bits | KEY_USAGES[use as keyof typeof KEY_USAGES],
    0,
  );
  const content = new TBSCertificate({
    version: Version.v3,
    serialNumber: bytes(number),
    signature: algorithm,
    issuer: name,
    validity: new Validity({ notBefore: args.begins, notAfter: args.ends }),
    subject: name,
    subjectPublicKeyInfo: publicKey,
    extensions: new Extensions([
      extension(id_ce_keyUsage, new KeyUsage(usage), true),
      extension(
        id_ce_basicConstraints,
        new BasicConstraints({
          cA: args.authority,
          ...(args.maxPathLength !== undefined &&
            args.maxPathLength > 0 && { pathLenConstraint: args.maxPathLength }),
        }),
        true,
      ),
      ...(args.subjectKeyId
        ? [extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId))]
        : []),
      ...(args.authorityKeyId
        ? [
            extension(
              id_ce_authorityKeyIdentifier,
              new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyId) }),
            ),
          ]
        : []),
    ]),
  });
  const certificate = new Certificate({
    tbsCertificate: content,
    signatureAlgorithm: algorithm,
    signatureValue: bytes(sign("sha256", Buffer.from(AsnConvert.serialize(content)), args.key)),
  });
  return {
    serial: BigInt(`0x${number.toString("hex")}`).toString(),
    pem: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString(),
  };
}

function nameOf(subject: SubjectNames): Name {
  return new Name(
    (["organization", "commonName"] as const).flatMap((part) => {
      const utf8String = subject[part];
      if (utf8String === undefined) return [];
      const value = new AttributeValue({ utf8String });
      return [
        new RelativeDistinguishedName([
          new AttributeTypeAndValue({ type: NAME_TYPES[part], value }),
        ]),
      ];
    }),
  );
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({
    extnID,
    critical,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}

function bytes(buffer: Buffer): ArrayBuffer {
  return new Uint8Array(buffer).buffer;
}
