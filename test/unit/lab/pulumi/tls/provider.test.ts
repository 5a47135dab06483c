import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { tlsProvider } from "../../../../lab/pulumi/tls/provider.ts";
import { type PropertyMap, Secret, Unknown } from "../../../../lab/pulumi/provider/values.ts";

const KEY = "tls:index/privateKey:PrivateKey";
const CERTIFICATE = "tls:index/selfSignedCert:SelfSignedCert";
const HOUR_MS = 3_600_000;
const BEGIN = Date.parse("2026-11-25T12:00:00Z");

let hours = 0;
const provider = tlsProvider("5.6.1", () => new Date(BEGIN + hours * HOUR_MS));
const of = (type: string) => ({ urn: "urn", type, name: "name" });

async function create(type: string, inputs: PropertyMap, preview = false) {
  return provider.create({ ...of(type), inputs, preview, timeoutSeconds: 0 });
}

async function check(type: string, news: PropertyMap) {
  const { failures } = await provider.check({
    ...of(type),
    olds: {},
    news,
    randomSeed: new Uint8Array(),
  });
  return (failures ?? []).map(({ property }) => property);
}

async function diff(type: string, oldInputs: PropertyMap, news: PropertyMap, olds = oldInputs) {
  return provider.diff({ ...of(type), id: "id", olds, oldInputs, news, ignoreChanges: [] });
}

async function key(): Promise<string> {
  const { properties } = await create(KEY, { algorithm: "ECDSA", ecdsaCurve: "P256" });
  return (properties.privateKeyPem as Secret).value as string;
}

const authority = (privateKeyPem: string): PropertyMap => ({
  privateKeyPem,
  subject: { commonName: "lab" },
  allowedUses: ["cert_signing", "crl_signing"],
  validityPeriodHours: 100,
  isCaCertificate: true,
});

test("a private key is a secret in both forms, and its public key is not", async () => {
  const { id, properties } = await create(KEY, { algorithm: "ECDSA", ecdsaCurve: "P256" });
  expect(id).toMatch(/^[0-9a-f]{40}$/);
  expect(properties.privateKeyPem).toBeInstanceOf(Secret);
  expect(properties.privateKeyPemPkcs8).toBeInstanceOf(Secret);
  const pem = (properties.privateKeyPem as Secret).value as string;
  expect(pem).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
  expect(createPrivateKey(pem).asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
  expect(properties.publicKeyPem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
});

test("a certificate is an authority's, for the given time, and its key stays a secret", async () => {
  hours = 0;
  const pem = await key();
  const { id, properties } = await create(CERTIFICATE, authority(pem));
  const certificate = new X509Certificate(properties.certPem as string);
  expect(certificate.ca).toBe(true);
  expect(certificate.checkIssued(certificate)).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(pem))).toBe(true);
  expect(certificate.subject).toBe("CN=lab");
  expect(BigInt(`0x${certificate.serialNumber}`).toString()).toBe(id);
  expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(100 * HOUR_MS);
  expect(properties).toMatchObject({
    validityStartTime: "2026-11-25T12:00:00.000Z",
    readyForRenewal: false,
    earlyRenewalHours: 0,
    keyAlgorithm: "ECDSA",
  });
  expect(properties.privateKeyPem).toBeInstanceOf(Secret);
});

test("a preview does not know what it would make", async () => {
  const { properties } = await create(CERTIFICATE, authority("pem"), true);
  expect(properties.certPem).toBe(Unknown.value);
});

describe("check", () => {
  test.each<[string, PropertyMap, string[]]>([
    [KEY, {}, ["algorithm"]],
    [KEY, { algorithm: "RSA" }, ["algorithm"]],
    [KEY, { algorithm: "ECDSA" }, ["ecdsaCurve"]],
    [KEY, { algorithm: "ECDSA", ecdsaCurve: "P256", keepers: {} }, ["keepers"]],
    [CERTIFICATE, { ...authority("x"), allowedUses: ["nothing"] }, ["allowedUses"]],
    [CERTIFICATE, { ...authority("x"), subject: {} }, ["subject"]],
    [CERTIFICATE, { ...authority("x"), validityPeriodHours: -1 }, ["validityPeriodHours"]],
    [CERTIFICATE, { ...authority("x"), validityPeriodHours: "1" }, ["validityPeriodHours"]],
    [CERTIFICATE, { allowedUses: [], validityPeriodHours: 1 }, ["privateKeyPem"]],
  ])("%s refuses %j", async (type, inputs, properties) => {
    expect(await check(type, inputs)).toEqual(properties);
  });
});

describe("diff", () => {
  test("nothing changes where nothing changed, whether a secret is marked or not", async () => {
    hours = 0;
    const { changes } = await diff(CERTIFICATE, authority("x"), {
      ...authority("x"),
      privateKeyPem: new Secret("x"),
    });
    expect(changes).toBe(false);
  });

  test("every input replaces, except for the early renewal", async () => {
    hours = 0;
    const changed = { ...authority("y"), validityPeriodHours: 101, earlyRenewalHours: 1 };
    const { replaces, diffs } = await diff(CERTIFICATE, authority("x"), changed);
    expect(replaces).toEqual(["privateKeyPem", "validityPeriodHours"]);
    expect(diffs).toContain("earlyRenewalHours");
  });

  test("a certificate near its end is replaced", async () => {
    hours = 0;
    const inputs = { ...authority(await key()), earlyRenewalHours: 10 };
    const { properties } = await create(CERTIFICATE, inputs);
    hours = 89;
    expect((await diff(CERTIFICATE, inputs, inputs, properties)).replaces).toEqual([]);
    hours = 90;
    expect((await diff(CERTIFICATE, inputs, inputs, properties)).replaces).toEqual([
      "readyForRenewal",
    ]);
    const read = await provider.read({ ...of(CERTIFICATE), id: "id", properties, inputs });
    expect(read?.properties.readyForRenewal).toBe(true);
  });
});
