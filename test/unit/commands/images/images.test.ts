import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { litellmSigner } from "../../../../commands/images/litellm.ts";
import { lookUp } from "../../../../commands/images/look-up.ts";
import { placeOf } from "../../../../commands/images/reference.ts";
import { Repository } from "../../../../commands/images/registry.ts";
import { checkSignature } from "../../../../commands/images/signature.ts";
import { RegistryStandIn } from "./registry-stand-in.ts";
import { type Signing, SigstoreStandIn, signWithKey } from "./sigstore-stand-in.ts";

const INDEX = { schemaVersion: 2, manifests: [{ digest: "amd64" }, { digest: "arm64" }] };
const OTHER = `sha256:${"0".repeat(64)}`;

let registry: RegistryStandIn;
beforeEach(async () => {
  registry = await RegistryStandIn.start("team/gateway");
});
afterEach(() => registry.stop());

const look = (tag: string, newer = false) => lookUp("envoy", `${registry.image}:${tag}`, { newer });

describe("the digest of a tag", () => {
  it("is that of the index for all machines, got with a token for this repository alone", async () => {
    const digest = registry.push("v1.2.3", INDEX);
    expect(await look("v1.2.3")).toEqual({
      key: "envoy",
      image: `${registry.image}:v1.2.3`,
      pinned: `${registry.image}:v1.2.3@${digest}`,
    });
    expect(registry.asked).toEqual([
      "GET /v2/team/gateway/manifests/v1.2.3",
      "GET /token?service=test&scope=repository%3Ateam%2Fgateway%3Apull",
      "GET /v2/team/gateway/manifests/v1.2.3",
    ]);
  });

  it("stays the configured one if the tag was built again, and says so; --newer takes the new one", async () => {
    const old = registry.push("v1.2.3", { ...INDEX, annotations: { build: "1" } });
    const now = registry.push("v1.2.3", INDEX);
    expect(await look(`v1.2.3@${old}`)).toMatchObject({
      pinned: `${registry.image}:v1.2.3@${old}`,
      note: `the tag is ${now} now: --newer takes it`,
    });
    expect(await look(`v1.2.3@${old}`, true)).toMatchObject({
      pinned: `${registry.image}:v1.2.3@${now}`,
      note: "built again",
    });
    expect(await look(`v1.2.3@${now}`, true)).toEqual({
      key: "envoy",
      image: `${registry.image}:v1.2.3@${now}`,
      pinned: `${registry.image}:v1.2.3@${now}`,
    });
  });

  it("is with --newer that of the newest release, from all pages of the list", async () => {
    for (const tag of ["v1.2.3", "latest", "v1.9.0", "v2.0.0", "v1.10.0-rc1"])
      registry.push(tag, INDEX);
    const digest = registry.push("v1.10.0", { ...INDEX, annotations: {} });
    expect(await look("v1.2.3", true)).toMatchObject({
      pinned: `${registry.image}:v1.10.0@${digest}`,
      note: "newer than v1.2.3",
    });
    expect(registry.asked.filter((line) => line.includes("tags/list"))).toHaveLength(4);
  });
});

describe("one message names the image and what to do", () => {
  const problem = async (tag: string) => (await look(tag)).problem;

  it("for a tag and for a digest that the registry does not have", async () => {
    expect(await problem("v9")).toBe(
      `${registry.image}:v9: the registry has no tag v9: look at the name and the tag`,
    );
    registry.push("v1", INDEX);
    expect(await problem(`v1@${OTHER}`)).toBe(
      `${registry.image}:v1@${OTHER}: the registry has no image with this digest: pin one that it has`,
    );
  });

  it("for a registry that lies about the digest", async () => {
    const digest = registry.push("v1", INDEX);
    registry.digestHeader = OTHER;
    expect(await problem("v1")).toBe(
      `${registry.image}:v1: ${registry.host} says that the digest is ${OTHER}, but what it sends has ${digest}: do not use this registry, or ask again without the proxy in between`,
    );
  });

  it("for a registry that sends something else than the digest that was asked for", async () => {
    registry.push("v1", INDEX);
    const repository = new Repository(placeOf(registry.image));
    registry.failing = (path, response) => {
      if (!path.includes("/manifests/")) return false;
      response.end("{}");
      return true;
    };
    await expect(repository.manifest(OTHER)).rejects.toThrow(
      `where ${OTHER} was asked for: do not use this registry`,
    );
  });

  it.each([
    ["429", { "retry-after": "60" }, "limits requests (429): try again in 60 s"],
    [
      "403",
      {},
      "does not let everybody read team/gateway (403): look at the name; a private image has to be pinned by hand",
    ],
    ["500", {}, "answered 500 to /v2/team/gateway/manifests/v1: try again later"],
    [
      "401",
      { "www-authenticate": 'Basic realm="x"' },
      `asks for a password ("Basic realm="x""): only images that everybody may read can be looked up; pin this one by hand`,
    ],
  ])("for an answer %s", async (status, headers, message) => {
    registry.failing = (_path, response) => {
      response.writeHead(Number(status), headers).end();
      return true;
    };
    expect(await problem("v1")).toBe(`${registry.image}:v1: ${registry.host} ${message}`);
  });

  it("for a token that is not given", async () => {
    registry.failing = (path, response) => {
      if (path !== "/token") return false;
      response.writeHead(403).end();
      return true;
    };
    expect(await problem("v1")).toBe(
      `${registry.image}:v1: ${registry.host} gives no token for team/gateway (403): look at the name; a private image has to be pinned by hand`,
    );
  });

  it("for more than a manifest can be", async () => {
    registry.push("v1", { text: "x".repeat(5 * 1024 * 1024) });
    expect(await problem("v1")).toContain("sends more than 4194304 bytes: that is no manifest");
  });

  it("for a registry that cannot be reached, of which nothing is known", async () => {
    const { host } = registry;
    await registry.stop();
    expect(await look("v1")).toEqual({
      key: "envoy",
      image: `${registry.image}:v1`,
      problem: expect.stringMatching(
        new RegExp(
          `^${host}/team/gateway:v1: ${host} cannot be reached .*: run this where there is a network$`,
        ),
      ) as unknown,
      unreachable: true,
    });
  });
});

describe("the signature of an image", () => {
  let sigstore: SigstoreStandIn;
  beforeAll(async () => {
    sigstore = await SigstoreStandIn.start();
  });
  const by = (image: string, change: Partial<Signing> = {}): Signing => ({
    ...{ image, workflow: litellmSigner.workflow, issuer: litellmSigner.issuer },
    ...change,
  });
  const check = (digest: string, trust = sigstore.trust) =>
    checkSignature(new Repository(placeOf(registry.image)), digest, {
      signer: litellmSigner,
      trust,
    });

  it.each([true, false])("is found in cosign 3's form, referrers API: %s", async (hasReferrers) => {
    registry.hasReferrers = hasReferrers;
    const digest = registry.push("v1", INDEX);
    await sigstore.sign(registry, digest, by(digest));
    await check(digest);
  });

  it("is found in cosign 2's form", async () => {
    const digest = registry.push("v1", INDEX);
    await sigstore.signOld(registry, digest, by(digest));
    await check(digest);
  });

  it("is missing: the image must not be deployed", async () => {
    const digest = registry.push("v1", INDEX);
    await expect(check(digest)).rejects.toThrow(`has no signature: do not deploy ${digest}`);
  });

  const WRONG: readonly (readonly [string, Partial<Signing>, string])[] = [
    ["is of another image", { image: OTHER }, `one is of ${OTHER}`],
    [
      "was made by another workflow",
      { workflow: `${litellmSigner.workflow}2` },
      "certificate identity error",
    ],
    [
      "was made with another issuer's word",
      { issuer: "https://example.com" },
      "invalid certificate extension",
    ],
    ["does not fit what it signs", { broken: true }, "signature verification failed"],
  ];
  it.each(WRONG)("%s, in cosign 3's form", async (_what, change, message) => {
    const digest = registry.push("v1", INDEX);
    await sigstore.sign(registry, digest, by(digest, change));
    await expect(check(digest)).rejects.toThrow(message);
  });
  it.each(WRONG)("%s, in cosign 2's form", async (_what, change, message) => {
    const digest = registry.push("v1", INDEX);
    await sigstore.signOld(registry, digest, by(digest, change));
    await expect(check(digest)).rejects.toThrow(message);
  });

  it("is another statement about the image, such as how it was built", async () => {
    const digest = registry.push("v1", INDEX);
    const predicateType = "https://slsa.dev/provenance/v1";
    await sigstore.sign(registry, digest, by(digest, { predicateType }));
    await expect(check(digest)).rejects.toThrow("has no signature");
  });

  it("comes from an authority that is not Sigstore's", async () => {
    const digest = registry.push("v1", INDEX);
    await (await SigstoreStandIn.start()).sign(registry, digest, by(digest));
    await expect(check(digest)).rejects.toThrow("has no valid signature");
  });

  it("was made with a key, as of older releases", async () => {
    const digest = registry.push("v1", INDEX);
    signWithKey(registry, digest);
    await expect(check(digest)).rejects.toThrow("is signed with a key and not by a workflow");
  });

  it("is asked for the digest that is deployed, and a missing one is the image's problem", async () => {
    const digest = registry.push("v1", INDEX);
    const image = `${registry.image}:v1`;
    expect(await lookUp("litellm", image, { newer: false, checkSignature: check })).toEqual({
      ...{ key: "litellm", image, signature: "missing or not valid" },
      problem: expect.stringMatching(
        `^${image}: has no signature: do not deploy ${digest}`,
      ) as unknown,
    });
    await sigstore.sign(registry, digest, by(digest));
    expect(await lookUp("litellm", image, { newer: false, checkSignature: check })).toEqual({
      ...{ key: "litellm", image, signature: "valid", pinned: `${image}@${digest}` },
    });
  });
});
