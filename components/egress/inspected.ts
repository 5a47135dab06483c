import { pathPattern } from "../gateway/inspect/paths.ts";
import type { HostCredential, InspectedHost } from "../gateway/inspect/rules.ts";
import type { InspectConfig } from "./inspect-schema.ts";
import { type CredentialForm, credentialForm, registryRules } from "./registries.ts";

type HostConfig = Omit<InspectConfig[number], "credential"> & {
  /** Its value can be a secret of Pulumi's, which this does not read. */
  readonly credential?: CredentialForm | undefined;
};

/** The rules of `egress.inspect`. */
export function inspectedHosts(hosts: readonly HostConfig[]): InspectedHost[] {
  return hosts.map((entry) => ({
    host: entry.host,
    ...rulesOf(entry),
    ...(entry.credential && {
      credential: sent(entry.host, credentialForm(entry.registry, entry.credential)),
    }),
  }));
}

function rulesOf({
  host,
  registry,
  base = "/",
  methods = ["GET", "HEAD"],
  paths = ["/*"],
}: HostConfig): Pick<InspectedHost, "rules" | "refusal"> {
  if (registry !== undefined) {
    const below = base === "/" ? "" : ` below ${base}`;
    return {
      rules: registryRules(registry, base),
      refusal: `agents may only read packages from the ${registry} registry ${host}${below}`,
    };
  }
  return {
    rules: paths.map((path) => ({ methods, path: pathPattern(path), action: path })),
    refusal: `agents may send ${methods.join(", ")} to ${host}, on ${shortList(paths)}`,
  };
}

/** Name of the credential of a host. */
export function hostCredentialName(host: string): string {
  return host;
}

/** A credential as it is in its header after the prefix. */
export function hostCredentialText({
  value,
  user,
}: {
  readonly value: string;
  readonly user?: string | undefined;
}): string {
  return user === undefined ? value : Buffer.from(`${user}:${value}`).toString("base64");
}

function sent(host: string, { user, header }: CredentialForm): HostCredential {
  const name = hostCredentialName(host);
  if (header !== undefined && header !== "authorization") return { name, kept: "stored", header };
  // Only the secret alone is the header's value where the header is named.
  const prefix = header !== undefined ? {} : { prefix: user === undefined ? "Bearer " : "Basic " };
  return { name, kept: "stored", header: "authorization", ...prefix };
}

/** Paths for a message, of which a client may show only a line. */
function shortList(paths: readonly string[]): string {
  const shown = paths.slice(0, 5).join(", ");
  return paths.length > 5 ? `${shown} and ${paths.length - 5} more` : shown;
}
