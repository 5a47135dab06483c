/** What the stand-in for Google Cloud and GitHub serves. */
export interface Cloud {
  /** Metadata of the instance. */
  readonly attributes: Readonly<Record<string, string>>;
  /** By full name, `projects/P/secrets/S`. */
  readonly secrets: Readonly<Record<string, StoredSecret>>;
  /** k3s releases by version. */
  readonly releases: Readonly<
    Record<string, { readonly file: string; readonly truncated?: boolean }>
  >;
}

interface StoredSecret {
  /** The one thing that the machine's service account may do with it. */
  readonly grant?: "access" | "addVersion";
  /** Newest version; none unless set. */
  readonly value?: string;
  /** How many requests are refused first, while the grant settles. */
  readonly refusals?: number;
}

/** A request that the stand-in answered. */
export interface AskedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}
