import { createPrivateKey, X509Certificate } from "node:crypto";
import { parse, stringify } from "yaml";
import { z } from "zod";

import { printable } from "./printable.ts";

/** The checked values that are taken from a kubeconfig. */
export interface Kubeconfig {
  /** URL of the API server. */
  readonly server: string;
  /** PEM certificates of the authority that signed the API server's certificate. */
  readonly authority: string;
  /** PEM: the client certificate, followed by the certificates of its issuers. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** PEM certificates, in base64. Text between the certificates is dropped. */
const Certificates = z.base64().transform((data, context) => {
  try {
    const [first = "", ...others] = fromBase64(data).match(CERTIFICATES) ?? [];
    return [first, ...others].map((pem) => new X509Certificate(pem).toString()).join("");
  } catch {
    return refuse(context, "contains no PEM certificate");
  }
});

const PrivateKey = z.base64().transform((data, context) => {
  try {
    return createPrivateKey(fromBase64(data)).export({ type: "pkcs8", format: "pem" }).toString();
  } catch {
    return refuse(context, "contains no PEM private key");
  }
});

const User = {
  "client-certificate-data": Certificates,
  "client-key-data": PrivateKey,
};
const Cluster = {
  server: z.url({ protocol: /^https$/ }),
  "certificate-authority-data": Certificates,
};
const ignored = z.unknown().optional();

/**
 * A kubeconfig as k3s writes it: one cluster, one user. `object` decides what happens to unknown keys. kubectl and the
 * kubernetes provider accept many more keys; some of them run a program (`exec`) or name a file, a proxy or another user.
 */
const schema = (object: typeof z.object) =>
  object({
    apiVersion: ignored,
    kind: ignored,
    preferences: ignored,
    contexts: ignored,
    "current-context": ignored,
    clusters: z.tuple([object({ name: ignored, cluster: object(Cluster) })]),
    users: z.tuple([object({ name: ignored, user: object(User) })]),
  });

/** Parses a kubeconfig. Throws an error that says what is wrong, without quoting any of its text. */
export function parseKubeconfig(text: string): Kubeconfig {
  const { data, error } = schema(z.object).safeParse(contentOf(text));
  if (error !== undefined) {
    const [{ path, message, code } = { path: [], message: "", code: "" }] = error.issues;
    const where = path.length === 0 ? "it" : path.join(".");
    throw new Error(`${where} ${code === "custom" ? message : "is missing or malformed"}`);
  }
  const { cluster } = data.clusters[0];
  const { user } = data.users[0];
  const leaf = new X509Certificate(user["client-certificate-data"]);
  if (!leaf.checkPrivateKey(createPrivateKey(user["client-key-data"]))) {
    throw new Error("users.0.user has a private key that does not match its certificate");
  }
  return {
    server: cluster.server,
    authority: cluster["certificate-authority-data"],
    certificate: user["client-certificate-data"],
    key: user["client-key-data"],
  };
}

/** Keys that k3s does not write, for example `users.0.user.exec`. If there are any, somebody else wrote the file. */
export function foreignKeys(text: string): string[] {
  const { error } = schema(z.strictObject as typeof z.object).safeParse(contentOf(text));
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => printable([...issue.path, key].join(".")))
      : [],
  );
}

/** Builds a new kubeconfig from the values in {@link Kubeconfig} and nothing else. */
export function renderKubeconfig({ server, authority, certificate, key }: Kubeconfig): string {
  const cluster = { server, "certificate-authority-data": toBase64(authority) };
  const user = {
    "client-certificate-data": toBase64(certificate),
    "client-key-data": toBase64(key),
  };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default", cluster }],
    users: [{ name: "default", user }],
    contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
    "current-context": "default",
  };
  return stringify(config, { lineWidth: 0 });
}

function contentOf(text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch {
    return undefined;
  }
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

const fromBase64 = (data: string): string => Buffer.from(data, "base64").toString();
const toBase64 = (text: string): string => Buffer.from(text).toString("base64");
