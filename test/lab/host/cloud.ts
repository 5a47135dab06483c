/** What the simulated Google Cloud and GitHub serve. */
export interface Cloud {
  /** Metadata of the instance. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Whether the machine has a service account. Default true. */
  readonly account?: boolean;
  /** Secrets by full name, `projects/P/secrets/S`. */
  readonly secrets: Readonly<Record<string, StoredSecret>>;
  /** k3s releases by version. */
  readonly releases: Readonly<
    Record<string, { readonly file: string; readonly truncated?: boolean }>
  >;
}

/** Roles by the actions that they allow. */
export const SECRET_ROLES = {
  Accessor: ["access"],
  VersionAdder: ["addVersion"],
  VersionManager: ["addVersion", "list", "destroy"],
} as const;

export type SecretRole = keyof typeof SECRET_ROLES;

interface StoredSecret {
  /** The role of the machine's service account on it, `roles/secretmanager.secret…`. */
  readonly grant?: SecretRole;
  /** Latest version. Default: none. */
  readonly value?: string;
  /** How many requests are refused first, as while a new grant does not work yet. */
  readonly refusals?: number;
}

/** A request that the simulation answered. */
export interface AskedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}
