import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { certificateRequest } from "../../../../commands/operator/certificate-request.ts";
import { operatorKubeconfig } from "../../../../commands/operator/kubeconfig.ts";
import { parseOptions } from "../../../../commands/operator/options.ts";
import { operatorTunnel } from "../../../../commands/operator/tunnel.ts";

const GIVEN = ["--stack", "team", "--name", "alice@example.com", "--out", "/tmp/alice.json"];

test("the options of npm run operator", () => {
  expect(parseOptions(GIVEN)).toEqual({
    stack: "team",
    kubeconfig: undefined,
    name: "alice@example.com",
    hours: 12,
    out: "/tmp/alice.json",
  });
});

describe("a mistake is named with its fix", () => {
  test.each([
    [["--name", "system:admin"], /^--name "system:admin" is not a person's name/],
    [["--name", "a b"], /^--name "a b" is not a person's name/],
    [["--hours", "0"], "--hours 0 is not a whole number from 1 to 720"],
    [["--hours", "721"], "--hours 721 is not a whole number from 1 to 720"],
    [["--hours", "1.5"], "--hours 1.5 is not a whole number from 1 to 720"],
  ])("%j", (more, message) => {
    expect(() => parseOptions([...GIVEN, ...more])).toThrow(message);
  });

  test.each(["--stack", "--name", "--out"])("%s is missing", (option) => {
    const at = GIVEN.indexOf(option);
    expect(() => parseOptions(GIVEN.toSpliced(at, 2))).toThrow(`${option} is missing`);
  });
});

test("the certificate request names user and group, and its own key signed it", () => {
  const { request, key } = certificateRequest("alice@example.com", "claude-gateway:operators");
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, {
      input: request,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
    });
  expect(openssl("req", "-noout", "-verify", "-subject", "-nameopt", "RFC2253")).toContain(
    "subject=CN=alice@example.com,O=claude-gateway:operators",
  );
  const ofKey = execFileSync("openssl", ["pkey", "-pubout"], { input: key, encoding: "utf8" });
  expect(openssl("req", "-noout", "-pubkey")).toBe(ofKey);
});

test("the kubeconfig has the cluster of the deployer's, and the operator's certificate alone", () => {
  const view = {
    clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:6443" } }],
    users: [{ name: "admin", user: { "client-key-data": "c2VjcmV0" } }],
  };
  const text = operatorKubeconfig(view, { name: "alice", certificate: "CERT", key: "KEY" });
  expect(JSON.parse(text)).toEqual({
    apiVersion: "v1",
    kind: "Config",
    clusters: view.clusters,
    users: [
      { name: "alice", user: { "client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ" } },
    ],
    contexts: [{ name: "alice", context: { cluster: "c", user: "alice" } }],
    "current-context": "alice",
  });
});

test("an operator's tunnel ends at the port that their kubeconfig names", () => {
  const host = {
    stack: "host",
    project: "p",
    zone: "z",
    instance: "gateway-host",
    kubeconfigSecret: "gateway-host-kubeconfig",
  };
  const clusters = [{ name: "c", cluster: { server: "https://127.0.0.1:17443" } }];
  expect(operatorTunnel(host, { clusters })).toBe(
    "gcloud compute start-iap-tunnel gateway-host 6443 --local-host-port=127.0.0.1:17443 --project p --zone z",
  );
});
