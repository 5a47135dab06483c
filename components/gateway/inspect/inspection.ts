import type * as pulumi from "@pulumi/pulumi";
import type { MintConfig, MintSource } from "../mint/config.ts";
import type { InspectedHost } from "./rules.ts";

/** Credentials of inspected hosts that the pod's helper makes. */
export interface MintedForHosts {
  /** Who makes each, by its name, and the form in which Envoy gets it. */
  readonly credentials: Readonly<
    Record<string, { readonly source: MintSource; readonly format: MintConfig["format"] }>
  >;
  /** Files that the helper reads for it, and no other container. */
  readonly keys: {
    readonly volume: string;
    readonly folder: string;
    readonly data: Readonly<Record<string, pulumi.Input<string>>>;
  };
}

/** The inspected hosts of a stack, and what the gateway needs for them. */
export interface Inspection {
  /** At least one. */
  readonly hosts: readonly InspectedHost[];
  /** Values of the stored credentials by name, as they are in the header after its prefix. */
  readonly credentials: Readonly<Record<string, pulumi.Input<string>>>;
  /** The credentials that are minted. Default none. */
  readonly minted?: MintedForHosts | undefined;
  /** The authority of the stack, as PEM. */
  readonly authority: {
    readonly certificate: pulumi.Input<string>;
    readonly key: pulumi.Input<string>;
  };
}
