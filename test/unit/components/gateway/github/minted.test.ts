import { expect, test } from "vitest";
import { githubEnvironment } from "../../../../../components/agents/github-environment.ts";
import { mintedPod } from "../../../../../components/gateway/envoy/minted.ts";
import {
  mintedByApp,
  storedGithubTokens,
} from "../../../../../components/gateway/github/minted.ts";
import { githubSource } from "../../../../../components/gateway/github/source.ts";

const APP = { appId: "1234", installationId: "5678", privateKey: "planted-key-of-the-app" };
const agents = {
  "dev-e": { read: ["lab/docs"], write: ["Lab/Hello"] },
  "dev-f": { read: ["lab/hello"], write: [] },
};
const of = { objectName: "envoy", image: "node:1" };
const federated = {
  kind: "federated",
  source: { kind: "anthropic", federationRule: "f", organization: "o", serviceAccount: "s" },
  account: "claude-gateway",
} as const;

test("the helper alone has the App's key, and Envoy the tokens' folder", () => {
  const pod = mintedPod({ hosts: mintedByApp({ ...APP, agents }) }, of);
  const [scripts, key] = pod.files;
  expect(pod.files).toHaveLength(2);
  expect(key).toEqual({
    volume: "github-key",
    objectName: "envoy-github-key",
    data: { "key.pem": "planted-key-of-the-app" },
    secret: true,
  });
  expect(JSON.stringify(scripts)).not.toContain("planted-key-of-the-app");
  expect(pod.initContainers).toHaveLength(1);
  expect(pod.initContainers[0]?.volumeMounts).toEqual([
    { name: "mint", mountPath: "/etc/mint", readOnly: true },
    { name: "tokens", mountPath: "/var/run/tokens" },
    { name: "github-key", mountPath: "/etc/github", readOnly: true },
  ]);
  expect(pod.volumeMounts).toEqual([
    { name: "tokens", mountPath: "/var/run/tokens", readOnly: true },
  ]);
  // No assertion, so no service account and no projected token.
  expect(pod.spec).not.toHaveProperty("serviceAccountName");
  expect(JSON.stringify(pod.volumes)).not.toContain("serviceAccountToken");
});

test("GitHub's tokens and the API's are made by one helper", () => {
  const pod = mintedPod({ upstream: federated, hosts: mintedByApp({ ...APP, agents }) }, of);
  expect(pod.initContainers).toHaveLength(1);
  expect(JSON.stringify(pod.initContainers[0]?.command)).toContain(
    "/etc/mint/upstream.json /etc/mint/github-git.json /etc/mint/github-api.json",
  );
  expect(pod.spec.serviceAccountName).toBe("claude-gateway");
});

test("a pod is Ready without GitHub's tokens after six minutes, and never without the API's", () => {
  const pod = mintedPod({ upstream: federated, hosts: mintedByApp({ ...APP, agents }) }, of);
  const state = "/var/run/tokens/state";
  const [mint, credential] = [pod.initContainers[0], pod.containers[0]].map((container) =>
    JSON.stringify(container),
  );
  for (const container of [mint, credential]) {
    expect(container).toContain(`{ test -e ${state}/upstream.minted || `);
    for (const name of ["github-git", "github-api"])
      expect(container).toContain(
        `{ test -e ${state}/${name}.minted || test -e ${state}/waived || `,
      );
  }
  expect(credential).toContain("left=330; ");
});

test("the two tokens are for the same, in the form of Git and of the API", () => {
  const { credentials } = mintedByApp({ ...APP, agents });
  expect(Object.entries(credentials).map(([name, { format }]) => [name, format])).toEqual([
    ["github-git", "git"],
    ["github-api", "token"],
  ]);
  expect(credentials["github-git"]?.source).toEqual(credentials["github-api"]?.source);
  expect(storedGithubTokens("github_pat_x")).toEqual({
    "github-git": Buffer.from("x-access-token:github_pat_x").toString("base64"),
    "github-api": "github_pat_x",
  });
});

test("a token is for reading where no agent writes", () => {
  const source = (lists: typeof agents) =>
    githubSource({ appId: "1", installationId: "2", privateKeyFile: "/k", agents: lists });
  expect(source(agents)).toMatchObject({
    repositories: ["docs", "Hello"],
    permissions: { contents: "write", issues: "write", pull_requests: "write", metadata: "read" },
  });
  const reading = { ...agents, "dev-e": { read: ["lab/docs"], write: [] } };
  expect(Object.values(source(reading).permissions)).toEqual(Array<string>(7).fill("read"));
});

test("an agent's variables refer to its gateway token, and contain none", () => {
  const variables = githubEnvironment({ name: "gateway-token", key: "token" });
  const secret = { secretKeyRef: { name: "gateway-token", key: "token" } };
  expect(variables.slice(0, 2)).toEqual([
    { name: "GH_TOKEN", valueFrom: secret },
    { name: "GITHUB_TOKEN", valueFrom: secret },
  ]);
  const values = Object.fromEntries(
    variables.slice(2).map((each) => [each.name, "value" in each ? each.value : ""]),
  );
  expect(values.GIT_CONFIG_COUNT).toBe("3");
  expect(Object.keys(values)).toHaveLength(1 + 2 * 3);
  expect(values.GIT_CONFIG_KEY_0).toBe("credential.https://github.com.helper");
});
