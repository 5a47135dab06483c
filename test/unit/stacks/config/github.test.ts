import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type GatewayStackConfig } from "../../../../stacks/schema.ts";
import { gateway, parse as parseStack, refusal as refusalOf, type Sections } from "./stack.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const KEY = RSA.export({ type: "pkcs1", format: "pem" });
const EC_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  type: "pkcs8",
  format: "pem",
});
const APP = { kind: "app", appId: 1234, installationId: 5678, privateKey: KEY };
const TOKEN = { kind: "token", value: `github_pat_${"A1".repeat(20)}` };
const AGENTS = { "dev-e": { write: ["lab/hello"] } };

const stack = {
  ...gateway,
  gateway: { path: "envoy" },
  agents: [{ name: "dev-e" }, { name: "dev-f" }],
};

const parse = (sections: Sections) => parseStack({ ...stack, ...sections }) as GatewayStackConfig;
const refusal = (sections: Sections) => refusalOf({ ...stack, ...sections });

const withGithub = (github: Sections, egress: Sections = {}) => ({ egress: { github, ...egress } });

test.each([
  ["an App, with numbers as ids", APP],
  ["an App, with its client id", { ...APP, appId: "Iv23liABC", installationId: "5678" }],
  [
    "an App's key in its other form",
    { ...APP, privateKey: RSA.export({ type: "pkcs8", format: "pem" }) },
  ],
  ["an App's key without its last line's end", { ...APP, privateKey: String(KEY).trimEnd() }],
  ["a fine-grained token", TOKEN],
])("accepts %s", (_name, credential) => {
  expect(parse(withGithub({ credential, agents: AGENTS })).egress.github).toEqual({
    credential,
    agents: { "dev-e": { read: [], write: ["lab/hello"] } },
  });
});

test.each(["envoy", "hybrid"])("is possible on path %s", (path) => {
  const github = { credential: TOKEN, agents: AGENTS };
  expect(parse({ gateway: { path }, ...withGithub(github) }).egress.github).toBeDefined();
});

test("eighty repositories with write fit", () => {
  const write = Array.from({ length: 80 }, (_, i) => `octo-org/repository-${i}`);
  const github = { credential: TOKEN, agents: { "dev-e": { write } } };
  expect(parse(withGithub(github)).egress.github?.agents["dev-e"]?.write).toHaveLength(80);
});

test("a spike's agent is known", () => {
  const spike = {
    kind: "spike",
    images: { runner: "r.example/claude:1" },
    egress: { github: { credential: TOKEN, agents: { agent: { read: ["lab/hello"] } } } },
    agents: undefined,
  };
  expect(parse(spike).egress.github?.agents).toEqual({ agent: { read: ["lab/hello"], write: [] } });
});

const ofAgent = (lists: Sections) => ({ credential: TOKEN, agents: { "dev-e": lists } });
const ofCredential = (credential: Sections) => ({ credential, agents: AGENTS });

describe("is refused with one line for", () => {
  test.each<[string, Sections, string | RegExp]>([
    [
      "a URL",
      withGithub(ofAgent({ read: ["https://github.com/lab/hello.git"] })),
      '  egress.github.agents.dev-e.read[0] = "https://github.com/lab/hello.git" is an address: write only owner/name, "lab/hello"',
    ],
    [
      "an address for SSH",
      withGithub(ofAgent({ read: ["git@github.com:lab/hello.git"] })),
      /is an address: write only owner\/name, "lab\/hello"$/,
    ],
    [
      "a host and a name",
      withGithub(ofAgent({ read: ["github.com/lab/hello"] })),
      /is an address: write only owner\/name, "lab\/hello"$/,
    ],
    [
      "a wildcard",
      withGithub(ofAgent({ write: ["lab/*"] })),
      /^ {2}egress\.github\.agents\.dev-e\.write\[0\] = "lab\/\*" is a wildcard: list each repository/,
    ],
    [
      "a suffix",
      withGithub(ofAgent({ write: ["lab/hello.git"] })),
      /= "lab\/hello\.git" ends with \.git: write "lab\/hello"$/,
    ],
    ["a wiki", withGithub(ofAgent({ write: ["lab/hello.wiki"] })), /is a wiki: only repositories/],
    ...[
      "hello",
      "lab/hello/x",
      "lab/",
      "/hello",
      "lab/..",
      "-lab/hello",
      "lab/he llo",
      "läb/hello",
    ].map((name): [string, Sections, RegExp] => [
      `the name ${name}`,
      withGithub(ofAgent({ write: [name] })),
      /is not the name of a repository: write owner\/name, for example "octo-org\/hello"$/,
    ]),
    [
      "a repository that is listed twice",
      withGithub(ofAgent({ read: ["lab/hello", "LAB/Hello"] })),
      '  egress.github.agents.dev-e.read[1] = "LAB/Hello" is listed twice, because names on GitHub have no case: remove one',
    ],
    [
      "a repository with read and write",
      withGithub(ofAgent({ read: ["lab/Hello"], write: ["lab/hello"] })),
      '  egress.github.agents.dev-e.read[0] = "lab/Hello" is also listed with write, which includes reading: remove it here',
    ],
    [
      "repositories of two owners",
      withGithub({ credential: APP, agents: { ...AGENTS, "dev-f": { read: ["eve/hello"] } } }),
      `  egress.github.agents.dev-f.read[0] = "eve/hello" is not lab's as the others are, and a credential is for repositories of one owner: list only one owner's repositories`,
    ],
    [
      "an unknown agent",
      withGithub({ credential: APP, agents: { "dev-x": { read: ["lab/hello"] } } }),
      "  egress.github.agents.dev-x is no agent of this stack, which has dev-e, dev-f: write one of these, or remove it with pulumi config rm --path 'egress.github.agents.dev-x'",
    ],
    [
      "no repository",
      withGithub({ credential: APP, agents: { "dev-e": {} } }),
      "  egress.github.agents lists no repository: pulumi config set --path 'egress.github.agents.<agent>.write[0]' owner/name",
    ],
    [
      "no agents",
      withGithub({ credential: APP }),
      "  egress.github.agents is missing: pulumi config set --path 'egress.github.agents.<agent>.write[0]' owner/name",
    ],
    [
      "no credential",
      withGithub({ agents: AGENTS }),
      "  egress.github.credential is missing: pulumi config set --path egress.github.credential.kind app",
    ],
    [
      "another kind of credential",
      withGithub(ofCredential({ kind: "oauth" })),
      "  egress.github.credential.kind is not one of app, token: pulumi config set --path egress.github.credential.kind app|token",
    ],
    [
      "a classic token",
      withGithub(ofCredential({ kind: "token", value: `ghp_${"a".repeat(36)}` })),
      "  egress.github.credential.value is a classic token, which can be used for every repository of its owner: make a fine-grained one for the listed repositories: pulumi config set --secret --path egress.github.credential.value",
    ],
    [
      "a token that ends soon",
      withGithub(ofCredential({ kind: "token", value: `ghs_${"a".repeat(36)}` })),
      /^ {2}egress\.github\.credential\.value is a token that ends within hours: make a fine-grained one, or use an App/,
    ],
    [
      "another secret",
      withGithub(ofCredential({ kind: "token", value: "hunter2" })),
      "  egress.github.credential.value is not a fine-grained token (github_pat_…): pulumi config set --secret --path egress.github.credential.value",
    ],
    ...[
      ["a key that is none", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n"],
      ["a key of another kind", String(EC_KEY)],
    ].map(([name = "", privateKey]): [string, Sections, string] => [
      name,
      withGithub(ofCredential({ ...APP, privateKey })),
      "  egress.github.credential.privateKey is no RSA private key in PEM form: set the file that GitHub made for the App: pulumi config set --secret --path egress.github.credential.privateKey < key.pem",
    ]),
    [
      "an App's name",
      withGithub(ofCredential({ ...APP, appId: "my-app" })),
      /^ {2}egress\.github\.credential\.appId is not the id of a GitHub App, a number or Iv…: /,
    ],
    [
      "another installation",
      withGithub(ofCredential({ ...APP, installationId: "lab" })),
      /^ {2}egress\.github\.credential\.installationId is not the id of an installation, the number/,
    ],
    [
      "more repositories than fit",
      withGithub(
        ofAgent({ write: Array.from({ length: 120 }, (_, i) => `octo-org/repository-${i}`) }),
      ),
      /^ {2}egress\.github\.agents lists 120 repositories, whose rules take \d+ KiB of the 900 that fit: list fewer, for about \d+ there is room$/,
    ],
    [
      "a host that is passed on too",
      withGithub(ofAgent({ read: ["lab/hello"] }), { allow: ["example.com", "github.com"] }),
      '  egress.allow[1] = "github.com" is one of the hosts of egress.github, whose rules are by repository: remove it here, or remove egress.github',
    ],
    [
      "a host that is inspected too",
      withGithub(ofAgent({ read: ["lab/hello"] }), { inspect: [{ host: "api.github.com" }] }),
      /^ {2}egress\.inspect\[0\]\.host = "api\.github\.com" is one of the hosts of egress\.github/,
    ],
    [
      "a path that inspects nothing",
      { gateway: { path: "shim" }, ...withGithub(ofAgent({ read: ["lab/hello"] })) },
      "  egress.github is not possible on path shim: remove it with pulumi config rm --path egress.github, or choose another path (envoy in mode terminate, hybrid)",
    ],
    [
      "a mode that sees nothing",
      {
        gateway: { path: "envoy", mode: "sni" },
        credential: { kind: "apiKey", holder: "agent" },
        ...withGithub(ofAgent({ read: ["lab/hello"] })),
      },
      /^ {2}egress\.github is not possible on path envoy in mode sni/,
    ],
  ])("%s", (_name, sections, line) => {
    const lines = refusal(sections);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(typeof line === "string" ? new RegExp(`^${escaped(line)}$`) : line);
  });
});

test("no message shows a key or a token", () => {
  for (const secret of ["ghp_planted0123456789", "github_pat_planted", "planted"]) {
    const text = refusal(withGithub(ofCredential({ kind: "token", value: secret }))).join("\n");
    expect(text).not.toContain(secret);
    const key = refusal(withGithub(ofCredential({ ...APP, privateKey: secret }))).join("\n");
    expect(key).not.toContain(secret);
  }
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
