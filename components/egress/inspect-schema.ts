import { z } from "zod";
import { pathProblem } from "../gateway/inspect/paths.ts";
import { HostName } from "../schema/fields.ts";
import { needsUser, REGISTRIES } from "./registries.ts";

/** Methods that a rule can name. CONNECT would open a tunnel, and TRACE shows a request again with its credential. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const HEADER_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Headers that are part of how a request is sent. */
const OWN_HEADERS = [
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "cookie",
  "expect",
  "host",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
];

const SET_VALUE = "set it again with --secret";

/** How the gateway authenticates to an inspected host. */
const HostCredentialConfig = z
  .strictObject({
    value: z
      .string()
      .regex(
        /^[\x21-\x7e]+$/,
        `is empty, or has characters that a header cannot have: ${SET_VALUE}`,
      )
      .describe(
        "The secret: pulumi config set --secret --path 'egress.inspect[0].credential.value'.",
      ),
    user: z
      .string()
      .regex(
        /^[\x21-\x39\x3b-\x7e]+$/,
        "is empty, or has a colon or another character that a user cannot have",
      )
      .optional()
      .describe(
        "User of Basic, with the secret as its password. Default: the secret is a bearer token.",
      ),
    header: z
      .string()
      .regex(HEADER_NAME, "is not the name of a header in lower case")
      .refine(
        (name) => !OWN_HEADERS.includes(name),
        "is a header that every request has for itself",
      )
      .optional()
      .describe(
        "Header with the secret alone, for example x-api-key. Default authorization, with a bearer token.",
      ),
  })
  .refine(({ user, header }) => user === undefined || header === undefined, {
    path: ["header"],
    message: "is set, and user too, which is sent in authorization: remove one of them",
  });

const Path = z.string().superRefine((path, context) => {
  const message = pathProblem(path);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

/** A host whose TLS ends at the gateway. */
const InspectedHostConfig = z
  .strictObject({
    host: HostName.refine((host) => host.length <= 200, "is longer than 200 characters").describe(
      "Exact host name, TCP 443.",
    ),
    registry: z
      .enum(REGISTRIES)
      .optional()
      .describe(
        "Kind of a package registry that needs a credential: agents may read its packages, and the credential is sent as its clients send it. Default none.",
      ),
    base: Path.refine(
      (path) => !path.endsWith("*"),
      "ends with *, which it means anyway: remove it",
    )
      .optional()
      .describe(
        "Path below which the registry is, for example /artifactory/api/npm/team. Only with registry. Default /.",
      ),
    methods: z
      .array(z.enum(METHODS))
      .min(1, "is empty: name a method, or remove the key")
      .optional()
      .describe("Methods that agents may use. Default GET and HEAD."),
    paths: z
      .array(Path)
      .min(1, "is empty: name a path, or remove the key")
      .optional()
      .describe(
        "Exact paths as clients send them, without the query, or beginnings of paths that end with *. Default /*: every path.",
      ),
    credential: HostCredentialConfig.optional().describe(
      "What the gateway sends instead of the agent's gateway token, which clients show where the host's token would be. Default: no credential reaches the host.",
    ),
  })
  .superRefine(({ registry, base, methods, paths, credential }, context) => {
    const problem = (path: string[], message: string) => {
      context.addIssue({ code: "custom", path, message });
    };
    if (registry === undefined) {
      if (base !== undefined) problem(["base"], "is set without registry: use paths");
      return;
    }
    if (methods !== undefined) {
      problem(
        ["methods"],
        "is set, and registry too, which allows reading only: remove one of them",
      );
    }
    if (paths !== undefined) {
      problem(["paths"], "is set, and registry too, which has its own paths: remove one of them");
    }
    if (credential === undefined) {
      problem(
        ["credential"],
        "is missing, and registry is set: a registry that needs none belongs in egress.allow; else set its value with --secret",
      );
    } else if (
      needsUser(registry) &&
      credential.user === undefined &&
      credential.header === undefined
    ) {
      problem(
        ["credential", "user"],
        `is missing: a ${registry} registry takes a user with a password, for example oauth2accesstoken`,
      );
    }
  });

/** Envoy's ConfigMap can have 1 MiB, and each host takes some 17 KB of it. */
const MAX_HOSTS = 40;

export const InspectConfig = z
  .array(InspectedHostConfig)
  .max(MAX_HOSTS, `has more than ${MAX_HOSTS} hosts: move those that need no rule to egress.allow`)
  .default([])
  .describe(
    "Hosts whose TLS ends at the gateway, which lets through only these methods and paths, and can add a credential; on path envoy in mode terminate, and on hybrid. Default none.",
  );

export type InspectConfig = z.infer<typeof InspectConfig>;
