import { describe, expect, test } from "vitest";
import { inspectedHosts } from "../../../../components/egress/inspected.ts";
import { REGISTRIES } from "../../../../components/egress/registries.ts";

const only = (entry: Parameters<typeof inspectedHosts>[0][number]) => {
  const [host] = inspectedHosts([entry]);
  if (host === undefined) throw new Error("no host");
  return host;
};

function allows(entry: Parameters<typeof inspectedHosts>[0][number], path: string): boolean {
  return only(entry).rules.some((rule) => new RegExp(`^(?:${rule.path})$`).test(path));
}

test.each(REGISTRIES)("agents may only read from %s, below its path", (registry) => {
  const base = "/api/team.x/";
  const { rules, refusal } = only({ host: "x.org", registry, base });
  expect(rules.map(({ methods, action }) => [methods, action])).toEqual([
    [["GET", "HEAD"], `read from ${registry} registry`],
  ]);
  expect(refusal).toBe(
    `agents may only read packages from the ${registry} registry x.org below /api/team.x/`,
  );
  const entry = { host: "x.org", registry, base: "/api/team.x" };
  expect(allows(entry, "/api/team.x/name")).toBe(true);
  for (const path of ["/name", "/api/teamyx/name", "/api/team.xname", "/other/api/team.x/name"]) {
    expect([path, allows(entry, path)]).toEqual([path, false]);
  }
});

describe("npm", () => {
  test.each([
    ["/name", true],
    ["/name/-/name-1.0.0.tgz", true],
    ["/@scope%2fname", true],
    ["/@scope/name/-/name-1.0.0.tgz", true],
    ["/%40scope%2Fname", true],
    ["/download/@scope/name/1.0.0/0123abc", true],
    ["/-/ping", true],
    ["/-/v1/search", true],
    ["/-/npm/v1/keys", true],
    ["/-/package/@scope%2fname/dist-tags", true],
    ["/", false],
    ["/-/npm/v1/tokens", false],
    ["/-/npm/v1/user", false],
    ["/-/whoami", false],
    ["/-/user/org.couchdb.user:me", false],
    ["/-/package/name/access", false],
    ["/-/package/name/dist-tags/latest", false],
    ["/%2d/npm/v1/tokens", false],
    ["/_session", false],
  ])("%s: %j", (path, allowed) => {
    expect(allows({ host: "x.org", registry: "npm" }, path)).toBe(allowed);
  });
});

test.each([
  ["npm", {}, { header: "authorization", prefix: "Bearer " }],
  ["npm", { user: "_json_key_base64" }, { header: "authorization", prefix: "Basic " }],
  ["npm", { header: "x-jfrog-art-api" }, { header: "x-jfrog-art-api" }],
  ["pypi", {}, { header: "authorization", prefix: "Basic " }],
  ["cargo", {}, { header: "authorization" }],
  ["maven", { user: "ci" }, { header: "authorization", prefix: "Basic " }],
  ["go", { user: "ci" }, { header: "authorization", prefix: "Basic " }],
] as const)("%s with the credential %j sends %j", (registry, credential, sent) => {
  expect(only({ host: "x.org", registry, credential }).credential).toEqual({
    name: "x.org",
    kept: "stored",
    ...sent,
  });
});
