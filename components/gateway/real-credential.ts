import type * as pulumi from "@pulumi/pulumi";
import type { MintedKind, StoredKind } from "./api/credentials.ts";
import type { MintSource } from "./mint/config.ts";

/** A credential that the config stores. */
export interface StoredCredential {
  readonly kind: StoredKind;
  /** The secret. */
  readonly value: pulumi.Input<string>;
}

/** A credential that the gateway's pod makes, and renews before it ends. */
export interface MintedCredential {
  readonly kind: MintedKind;
  /** Who makes it, and for whom. */
  readonly source: MintSource;
  /** Name of the service account whose tokens the provider takes for it, see `mintAccount`. */
  readonly account: pulumi.Input<string>;
}

/** The credential that the API gets, where the gateway holds it. */
export type RealCredential = StoredCredential | MintedCredential;
