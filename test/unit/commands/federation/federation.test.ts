import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BadInput } from "../../../../cli/command-line.ts";
import { clusterIssuer } from "../../../../commands/federation/issuer.ts";
import { parseOptions } from "../../../../commands/federation/options.ts";
import { renderFederation } from "../../../../commands/federation/terminal.ts";

const ISSUER = "https://kubernetes.default.svc.cluster.local";
const KEY = { kty: "RSA", kid: "k1", n: "n", e: "AQAB" };

/** A cluster that answers each path with a text. */
function cluster(answers: Readonly<Record<string, string>>) {
  return {
    title: "the cluster",
    kubectl: ([verb, flag, path = ""]: readonly string[]) => {
      expect([verb, flag]).toEqual(["get", "--raw"]);
      const text = answers[path];
      return text === undefined
        ? Promise.reject(new Error("kubectl failed:\nError from server (Forbidden)\n"))
        : Promise.resolve(text);
    },
  };
}

const CONFIGURATION = "/.well-known/openid-configuration";
const KEYS = "/openid/v1/jwks";
const GOOD = {
  [CONFIGURATION]: JSON.stringify({ issuer: ISSUER }),
  [KEYS]: JSON.stringify({ keys: [KEY] }),
};

test("the cluster says its issuer and its keys", async () => {
  expect(await clusterIssuer(cluster(GOOD))).toEqual({ issuer: ISSUER, keys: [KEY] });
});

test.each([
  {
    name: "refuses",
    answers: {},
    message: `the cluster does not say who signs its tokens: kubectl get --raw ${CONFIGURATION}: kubectl failed: Error from server (Forbidden)`,
  },
  {
    name: "answers with text",
    answers: { ...GOOD, [KEYS]: "<html>" },
    message: `the cluster answered kubectl get --raw ${KEYS} with text that is not JSON`,
  },
  {
    name: "has an issuer without TLS",
    answers: { ...GOOD, [CONFIGURATION]: '{"issuer":"kubernetes/serviceaccount"}' },
    message:
      'the issuer of the cluster is "kubernetes/serviceaccount", and Anthropic takes only https URLs: start the API server with --service-account-issuer=https://…',
  },
  {
    name: "publishes no keys",
    answers: { ...GOOD, [KEYS]: '{"keys":[]}' },
    message: `the cluster publishes no keys: kubectl get --raw ${KEYS}`,
  },
])("a cluster that $name is an error", async ({ answers, message }) => {
  const asked = clusterIssuer(cluster(answers));
  await expect(asked).rejects.toThrow(BadInput);
  await expect(asked).rejects.toThrow(message);
});

test("the issuer, its keys, the subject and the audience are shown", () => {
  const text = renderFederation({ issuer: ISSUER, keys: [KEY] }, "claude-gateway");
  const lines = text.split("\n").map((line) => line.trim().replaceAll(/ {2,}/g, " "));
  expect(lines).toContain(`issuer URL ${ISSUER}`);
  expect(lines).toContain("subject system:serviceaccount:claude-gateway:claude-gateway");
  expect(lines).toContain("audience https://api.anthropic.com");
  expect(lines).toContain("token lifetime 3600 s. Less than 900 s is refused");
  const json = text.slice(text.indexOf("\n{"), text.indexOf("\n}") + 2);
  expect(JSON.parse(json)).toEqual({ keys: [KEY] });
});

describe("the options", () => {
  test("are a stack, and perhaps a namespace and a kubeconfig", () => {
    expect(parseOptions(["--stack", "dev"])).toEqual({
      ...{ stack: "dev", namespace: undefined, kubeconfig: undefined },
    });
    expect(parseOptions(["--stack", "dev", "--namespace", "gw"])).toMatchObject({
      namespace: "gw",
    });
  });

  test.each([
    ["no stack", [], "--stack is missing"],
    ["an impossible stack name", ["--stack", "a b"], '--stack "a b" is not a stack name'],
    [
      "an impossible namespace",
      ["--stack", "dev", "--namespace", "A_B"],
      '--namespace "A_B" is not a namespace\'s name',
    ],
  ])("are rejected with %s", (_, argv, message) => {
    expect(() => parseOptions(argv)).toThrow(BadInput);
    expect(() => parseOptions(argv)).toThrow(message);
  });

  test("make the command exit with 2 and print nothing on stdout if they are invalid", () => {
    const argv = ["--import", "tsx", "commands/federation.ts", "--stack", "a b"];
    const cwd = join(import.meta.dirname, "../../../..");
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd, encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({
      ...{ status: 2, stdout: "", stderr: '--stack "a b" is not a stack name\n' },
    });
  });
});
