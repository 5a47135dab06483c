import { createPrivateKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";

import {
  foreignKeys,
  parseKubeconfig,
  renderKubeconfig,
} from "../../../../infra/access/k3s-kubeconfig.ts";
import { k3sKubeconfig } from "../../commands/tunnel-file.ts";

/** A kubeconfig's content, loosely typed, because a compromised machine may write anything. */
interface Content {
  clusters: { cluster: Record<string, unknown>; [key: string]: unknown }[];
  users: { user: Record<string, unknown>; [key: string]: unknown }[];
  [key: string]: unknown;
}

const K3S = k3sKubeconfig();
const decoded = (data: unknown): string => Buffer.from(String(data), "base64").toString();
const encoded = (text: string): string => Buffer.from(text).toString("base64");

/** The kubeconfig with a change. */
function changed(change: (content: Required<Content>, first: FirstOf) => void): string {
  const content = parse(K3S) as Content;
  const [cluster, user] = [content.clusters[0]?.cluster ?? {}, content.users[0]?.user ?? {}];
  change(content, { cluster, user });
  return stringify(content);
}

interface FirstOf {
  readonly cluster: Record<string, unknown>;
  readonly user: Record<string, unknown>;
}

const through = (text: string): string =>
  renderKubeconfig({ ...parseKubeconfig(text), server: "https://127.0.0.1:16443" });

const EXEC = {
  apiVersion: "client.authentication.k8s.io/v1",
  command: "/bin/sh",
  args: ["-c", "id"],
};

describe("a kubeconfig rebuilt from k3s's", () => {
  it("has one cluster, one user and one context, with the same certificates and the same key", () => {
    const before = parse(K3S) as Content;
    const after = parse(through(K3S)) as Content;
    const { cluster, user } = { ...before.clusters[0], ...before.users[0] } as unknown as FirstOf;
    const key = (after.users[0]?.user ?? {})["client-key-data"];
    expect(after).toEqual({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "default",
          cluster: {
            server: "https://127.0.0.1:16443",
            "certificate-authority-data": cluster["certificate-authority-data"],
          },
        },
      ],
      users: [
        {
          name: "default",
          user: {
            "client-certificate-data": user["client-certificate-data"],
            "client-key-data": key,
          },
        },
      ],
      contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
      "current-context": "default",
    });
    expect(
      createPrivateKey(decoded(key)).equals(createPrivateKey(decoded(user["client-key-data"]))),
    ).toBe(true);
    expect(foreignKeys(K3S)).toEqual([]);
  });

  it.each<[string, (content: Content, first: FirstOf) => void]>([
    ["users.0.user.exec", (_, { user }) => (user.exec = EXEC)],
    ["users.0.user.auth-provider", (_, { user }) => (user["auth-provider"] = { name: "gcp" })],
    ["users.0.user.tokenFile", (_, { user }) => (user.tokenFile = "/etc/shadow")],
    ["users.0.user.client-key", (_, { user }) => (user["client-key"] = "/root/.ssh/id_rsa")],
    ["users.0.user.as", (_, { user }) => (user.as = "system:admin")],
    ["users.0.user.token", (_, { user }) => (user.token = "t")],
    ["users.0.extensions", ({ users }) => Object.assign(users[0] ?? {}, { extensions: [] })],
    ["clusters.0.cluster.proxy-url", (_, { cluster }) => (cluster["proxy-url"] = "http://evil")],
    [
      "clusters.0.cluster.insecure-skip-tls-verify",
      (_, { cluster }) => (cluster["insecure-skip-tls-verify"] = true),
    ],
    [
      "clusters.0.cluster.certificate-authority",
      (_, { cluster }) => (cluster["certificate-authority"] = "/etc/passwd"),
    ],
    ["clusters.0.cluster.tls-server-name", (_, { cluster }) => (cluster["tls-server-name"] = "x")],
    ["extensions", (content) => (content.extensions = [{ name: "x", extension: EXEC }])],
    ["esc\\u{1b}]0;", (content) => (content["esc\u001b]0;"] = 1)],
  ])("removes %s and names it", (key, change) => {
    const text = changed(change);
    expect(through(text)).toBe(through(K3S));
    expect(foreignKeys(text)).toEqual([key]);
  });

  it("takes only the certificates from the certificate fields", () => {
    const text = changed((_, { cluster, user }) => {
      cluster["certificate-authority-data"] = encoded(
        `exec: id\n${decoded(cluster["certificate-authority-data"])}\u001b[2J`,
      );
      user["client-certificate-data"] = encoded(
        `${decoded(user["client-certificate-data"])}${decoded(user["client-key-data"])}`,
      );
    });
    expect(through(text)).toBe(through(K3S));
  });

  it("keeps every certificate of a chain", () => {
    const chain = decoded((parse(K3S) as Content).users[0]?.user["client-certificate-data"]);
    const text = changed(
      (_, { user }) => (user["client-certificate-data"] = encoded(chain + chain)),
    );
    expect(parseKubeconfig(text).certificate).toBe(chain + chain);
  });
});

describe("a kubeconfig that cannot be used", () => {
  const malformed = "is missing or malformed";
  it.each<[string, string, string]>([
    ["that is empty", "", `it ${malformed}`],
    ["that is not YAML", "a: [", `it ${malformed}`],
    ["with a bomb of aliases", bomb(), `it ${malformed}`],
    [
      "without an address",
      changed((_, { cluster }) => delete cluster.server),
      `clusters.0.cluster.server ${malformed}`,
    ],
    [
      "without an authority",
      changed((_, { cluster }) => delete cluster["certificate-authority-data"]),
      `clusters.0.cluster.certificate-authority-data ${malformed}`,
    ],
    [
      "with exec in place of a certificate",
      changed((content) => (content.users = [{ name: "default", user: { exec: EXEC } }])),
      `users.0.user.client-certificate-data ${malformed}`,
    ],
    [
      "with a key that is not base64",
      changed((_, { user }) => (user["client-key-data"] = "\u001b[2Jno base64")),
      `users.0.user.client-key-data ${malformed}`,
    ],
    [
      "with a key that is not PEM",
      changed((_, { user }) => (user["client-key-data"] = encoded("no key"))),
      "users.0.user.client-key-data contains no PEM private key",
    ],
    [
      "with a certificate that is not PEM",
      changed((_, { user }) => (user["client-certificate-data"] = encoded("none"))),
      "users.0.user.client-certificate-data contains no PEM certificate",
    ],
    [
      "with another certificate's key",
      changed((_, { user }) => (user["client-key-data"] = otherKey())),
      "users.0.user has a private key that does not match its certificate",
    ],
    [
      "with two users",
      changed(({ users }) => users.push({ name: "second", user: {} })),
      `users ${malformed}`,
    ],
  ])("%s is rejected with one line that shows none of its content", (_, text, message) => {
    expect(() => parseKubeconfig(text)).toThrow(new Error(message));
  });
});

function otherKey(): string {
  return String((parse(k3sKubeconfig()) as Content).users[0]?.user["client-key-data"]);
}

function bomb(): string {
  const level = (n: number): string =>
    `l${n}: &l${n} [${Array.from({ length: 9 }, () => `*l${n - 1}`).join(", ")}]`;
  return ["l0: &l0 [x, x, x, x, x, x, x, x, x]", ...[1, 2, 3, 4, 5, 6, 7, 8].map(level)].join("\n");
}
