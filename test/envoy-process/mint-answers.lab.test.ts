import { afterEach, expect, test } from "vitest";
import { Federated } from "./mint-federated.ts";

const REST = "agents get status 503 until there is a token";

let pod: Federated;

async function prepare(...args: Parameters<typeof Federated.prepare>): Promise<void> {
  pod = await Federated.prepare(...args);
}

afterEach(() => pod.stopAndSearch());

test.each([
  {
    name: "text",
    answer: { status: 200, body: "<html>" },
    says: "HOST answered 200 with text that is not JSON",
  },
  {
    name: "a redirect",
    answer: { status: 307, headers: { location: "https://elsewhere.example/" }, body: {} },
    says: "HOST answered with a redirect (307), which is not followed: check the endpoint https://HOST",
  },
  {
    name: "an absurd lifetime",
    answer: {
      status: 200,
      body: { access_token: "sk-ant-oat01-x", token_type: "Bearer", expires_in: -5 },
    },
    says: "HOST answered with a token for -5 s: expected 1 to 86400 s",
  },
  {
    name: "a lifetime of years",
    answer: { status: 200, body: { access_token: "sk-ant-oat01-x", expires_in: 1e9 } },
    says: "HOST answered with a token for 1000000000 s: expected 1 to 86400 s",
  },
  {
    name: "no lifetime",
    answer: { status: 200, body: { access_token: "sk-ant-oat01-x" } },
    says: "HOST answered with a token for undefined s: expected 1 to 86400 s",
  },
  {
    name: "no token",
    answer: { status: 200, body: { expires_in: 3600 } },
    says: "HOST answered without a token that a header can carry",
  },
  {
    name: "a token with a line break",
    answer: { status: 200, body: { access_token: "sk-ant\r\nx: y", expires_in: 3600 } },
    says: "HOST answered without a token that a header can carry",
  },
  {
    name: "another type of token",
    answer: { status: 200, body: { access_token: "x", token_type: "mac", expires_in: 3600 } },
    says: "HOST answered with a token that is not a bearer token",
  },
  {
    name: "more than it should",
    answer: { status: 200, body: "x".repeat(100_000) },
    says: "HOST answered with more than 65536 bytes",
  },
  {
    name: "a secret in its error",
    answer: {
      status: 500,
      body: { error: { type: "api_error", message: `bad ${"e".repeat(60)}` } },
    },
    says: "HOST cannot serve now (500 api_error: bad …)",
  },
])("an endpoint that answers $name gets one clear line", async ({ answer, says }) => {
  await prepare();
  await pod.assert();
  pod.server.fail({ answer });
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: ${says.replaceAll("HOST", pod.server.host)}; ${REST}`,
  );
  expect(await pod.mint.token()).toBe("");
  expect(pod.mint.lines).toHaveLength(1);
});

test("an endpoint whose certificate is another host's gets no assertion", async () => {
  await prepare({}, {}, {}, (url) => url.replace("127.0.0.1", "localhost"));
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toMatch(
    /^no new token: localhost:\d+ cannot be reached \(Hostname\/IP does not match certificate's altnames: .*\); agents/,
  );
  expect(pod.server.received).toEqual([]);
});

test("an endpoint without TLS gets no assertion", async () => {
  await prepare({}, {}, {}, () => "http://tokens.example");
  await pod.assert();
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toBe(
    `no new token: the endpoint tokens.example is not https: set one that is; ${REST}`,
  );
});

test.each([
  { name: "missing", text: undefined, says: "cannot be read (ENOENT)" },
  { name: "empty", text: "\n", says: "is empty" },
  { name: "no token", text: "not-a-token", says: "contains no JSON Web Token" },
  { name: "too long", text: "x".repeat(20_000), says: "is longer than 16384 bytes" },
])("an assertion file that is $name is named", async ({ text, says }) => {
  await prepare();
  if (text !== undefined) await pod.mint.assertion(text);
  await pod.mint.start();
  expect(await pod.mint.says("no new token")).toMatch(
    new RegExp(
      `^no new token: the assertion file \\S+/upstream ${says.replaceAll(/[()]/g, "\\$&")}; ${REST}$`,
    ),
  );
  await pod.assert();
  await pod.mint.nextToken();
});
