import { pathPattern } from "../gateway/inspect/paths.ts";
import type { HostCredential, InspectedHost } from "../gateway/inspect/rules.ts";
import type { InspectConfig } from "./inspect-schema.ts";

type HostConfig = Omit<InspectConfig[number], "credential"> & {
  /** Its value can be a secret of Pulumi's, which this does not read. */
  readonly credential?:
    { readonly user?: string | undefined; readonly header?: string | undefined } | undefined;
};

/** The rules of `egress.inspect`. */
export function inspectedHosts(hosts: readonly HostConfig[]): InspectedHost[] {
  return hosts.map(({ host, methods, paths, credential }) => ({
    host,
    rules: paths.map((path) => ({ methods, path: pathPattern(path), action: path })),
    ...(credential && { credential: sent(host, credential) }),
    refusal: `agents may send ${methods.join(", ")} to ${host}, on ${shortList(paths)}`,
  }));
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

function sent(
  host: string,
  { user, header }: NonNullable<HostConfig["credential"]>,
): HostCredential {
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
