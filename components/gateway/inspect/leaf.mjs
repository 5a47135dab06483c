// Makes a certificate for host names, signed by the stack's authority. ASN.1 is written by a library, signatures are Node's.
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from "@peculiar/asn1-x509";
import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";

const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
const ID_CE_SUBJECT_KEY_IDENTIFIER = "2.5.29.14";

/** Reads the authority's certificate and its key, as PEM. Throws if they do not belong together. */
export function readAuthority(certificatePem, keyPem) {
  const certificate = new X509Certificate(certificatePem);
  const key = createPrivateKey(keyPem);
  if (!certificate.ca || !certificate.checkPrivateKey(key)) {
    throw new Error("the authority's certificate and its key do not belong together");
  }
  const parsed = AsnConvert.parse(certificate.raw, Certificate);
  return {
    key,
    pem: certificatePem,
    endsAt: Date.parse(certificate.validTo) / 1000,
    subject: parsed.tbsCertificate.subject,
    keyId: subjectKeyId(parsed),
  };
}

/** @param hosts host names, @param beginsAt and `endsAt` Unix seconds. Returns the certificate and its new key, as PEM. */
export function makeLeaf(authority, { hosts, beginsAt, endsAt }) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 });
  const content = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: authority.subject,
    validity: new Validity({ notBefore: time(beginsAt), notAfter: time(endsAt) }),
    // Clients read the names below. They must be critical, because the subject is empty.
    subject: new Name([]),
    subjectPublicKeyInfo: AsnConvert.parse(
      publicKey.export({ type: "spki", format: "der" }),
      SubjectPublicKeyInfo,
    ),
    extensions: new Extensions([
      extension(
        id_ce_subjectAltName,
        new SubjectAlternativeName(hosts.map((dNSName) => new GeneralName({ dNSName }))),
        true,
      ),
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      ...(authority.keyId === undefined
        ? []
        : [
            extension(
              id_ce_authorityKeyIdentifier,
              new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(authority.keyId) }),
            ),
          ]),
    ]),
  });
  const signed = AsnConvert.serialize(content);
  const certificate = new Certificate({
    tbsCertificate: content,
    signatureAlgorithm: algorithm,
    signatureValue: bytes(sign("sha256", Buffer.from(signed), authority.key)),
  });
  return {
    certificate: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function extension(extnID, value, critical = false) {
  const extnValue = new OctetString(AsnConvert.serialize(value));
  return new Extension({ extnID, critical, extnValue });
}

function subjectKeyId({ tbsCertificate }) {
  const found = tbsCertificate.extensions?.find(
    ({ extnID }) => extnID === ID_CE_SUBJECT_KEY_IDENTIFIER,
  );
  if (found === undefined) return undefined;
  return AsnConvert.parse(found.extnValue.buffer, SubjectKeyIdentifier).buffer;
}

function time(seconds) {
  return new Date(Math.floor(seconds) * 1000);
}

/** A positive number of 16 bytes. */
function serialNumber() {
  const number = randomBytes(16);
  number[0] = (number[0] & 0x3f) | 0x40;
  return bytes(number);
}

function bytes(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
}
