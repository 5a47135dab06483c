import { createPrivateKey, X509Certificate } from "node:crypto";
import { parse, stringify } from "yaml";
import { z } from "zod";

import { printable } from "./printable.ts";

/** What is taken from a kubeconfig, checked. */
export interface Kubeconfig {
  /** Address of the API. */
  readonly server: string;
  /** PEM certificates of the authority that signed the API's. */
  readonly authority: string;
  /** PEM: the client's certificate, and after it those of who signed it. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** PEM certificates, in base64; what stands between them is left out. */
const Certificates = z.base64().transform((data, context) => {
  try {
    const [first = "", ...others] = fromBase64(data).match(CERTIFICATES) ?? [];
    return [first, ...others].map((pem) => new X509Certificate(pem).toString()).join("");
  } catch {
    return refuse(context, "holds no PEM certificate");
  }
});

const PrivateKey = z.base64().transform((data, context) => {
  try {
    return createPrivateKey(fromBase64(data)).export({ type: "pkcs8", format: "pem" }).toString();
  } catch {
    return refuse(context, "holds no PEM private key");
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
 * A kubeconfig as k3s writes it: one cluster, one user. `object` decides about other keys; kubectl and the kubernetes
 * provider know many, and some of them run a program (`exec`) or name a file, a proxy or another user.
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

/** Reads a kubeconfig; throws with what is wrong in it, and shows nothing of its text. */
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
    throw new Error("users.0.user has a key that is not its certificate's");
  }
  return {
    server: cluster.server,
    authority: cluster["certificate-authority-data"],
    certificate: user["client-certificate-data"],
    key: user["client-key-data"],
  };
}

/** Keys of a kubeconfig that k3s does not write, as `users.0.user.exec`: whoever wrote them was not k3s. */
export function foreignKeys(text: string): string[] {
  const { error } = schema(z.strictObject as typeof z.object).safeParse(contentOf(text));
  return (error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => printable([...issue.path, key].join(".")))
      : [],
  );
}

/** A kubeconfig made of nothing but what {@link Kubeconfig} has. */
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
