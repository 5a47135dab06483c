import { pathPattern } from "../gateway/inspect/paths.ts";
import type { HostRule } from "../gateway/inspect/rules.ts";

/** Kinds of package registries whose paths and credential are known here. */
export const REGISTRIES = ["npm", "pypi", "cargo", "maven", "go"] as const;

export type RegistryKind = (typeof REGISTRIES)[number];

/** Where a credential is sent: as the password of a user, in a header of its own, or else as a bearer token. */
export interface CredentialForm {
  readonly user?: string | undefined;
  readonly header?: string | undefined;
}

/**
 * How a registry takes its credential, if the config does not say it. Of the kinds that are missing, each account has a user.
 * PyPI: https://pypi.org/help/#apitoken. Cargo sends the token alone: https://doc.rust-lang.org/cargo/reference/registry-authentication.html
 */
const FORMS: Readonly<Partial<Record<RegistryKind, CredentialForm>>> = {
  npm: {},
  pypi: { user: "__token__" },
  cargo: { header: "authorization" },
};

/**
 * Paths of packages below the registry's own, as RE2. npm has accounts and their tokens below `/-/`, of which agents need
 * only these. Each other kind has nothing but packages below its path, and its clients follow what the registry says there.
 */
const PACKAGES: Readonly<Partial<Record<RegistryKind, string>>> = {
  npm: "(?:(?:@|%40|[A-Za-z0-9]).*|-/(?:ping|v1/search|npm/v1/keys|package/[^/]+/dist-tags))",
};

/** Whether the config of such a registry has to name the credential's user. */
export function needsUser(kind: RegistryKind): boolean {
  return FORMS[kind] === undefined;
}

/** The form of a credential: what the config says, or else the form of the registry. */
export function credentialForm(
  kind: RegistryKind | undefined,
  { user, header }: CredentialForm,
): CredentialForm {
  if (user !== undefined || header !== undefined) return { user, header };
  return (kind && FORMS[kind]) ?? {};
}

/** The rules of a registry below `base`: reading packages. No rule allows to publish or to change an account. */
export function registryRules(kind: RegistryKind, base: string): HostRule[] {
  const path = `${pathPattern(base.replace(/\/$/, ""))}/${PACKAGES[kind] ?? ".*"}`;
  return [{ methods: ["GET", "HEAD"], path, action: `read from ${kind} registry` }];
}
