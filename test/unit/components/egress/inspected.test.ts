import { describe, expect, test } from "vitest";
import { hostCredentialText, inspectedHosts } from "../../../../components/egress/inspected.ts";

const host = { host: "x.org", methods: ["GET" as const], paths: ["/a%2Fb.tgz", "/c+*"] };

test("each path is a rule, in which only the letters of an escape may have another case", () => {
  expect(inspectedHosts([host])).toEqual([
    {
      host: "x.org",
      rules: [
        { methods: ["GET"], path: "/a%2[fF]b\\.tgz", action: "/a%2Fb.tgz" },
        { methods: ["GET"], path: "/c\\+.*", action: "/c+*" },
      ],
      refusal: "agents may send GET to x.org, on /a%2Fb.tgz, /c+*",
    },
  ]);
});

test("a message names five paths at most", () => {
  const paths = ["/1", "/2", "/3", "/4", "/5", "/6", "/7"];
  expect(inspectedHosts([{ ...host, paths }])[0]?.refusal).toBe(
    "agents may send GET to x.org, on /1, /2, /3, /4, /5 and 2 more",
  );
});

describe("a credential", () => {
  test.each([
    [{}, { header: "authorization", prefix: "Bearer " }],
    [{ user: "ci" }, { header: "authorization", prefix: "Basic " }],
    [{ header: "x-api-key" }, { header: "x-api-key" }],
    [{ header: "authorization" }, { header: "authorization" }],
  ])("%j is sent as %j", (credential, sent) => {
    expect(inspectedHosts([{ ...host, credential }])[0]?.credential).toEqual({
      name: "x.org",
      kept: "stored",
      ...sent,
    });
  });

  test("with a user is Basic", () => {
    expect(hostCredentialText({ value: "s", user: "ci" })).toBe("Y2k6cw==");
    expect(hostCredentialText({ value: "s" })).toBe("s");
  });
});
