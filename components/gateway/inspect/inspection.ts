import type * as pulumi from "@pulumi/pulumi";
import type { GithubApp } from "../github/minted.ts";
import type { InspectedHost } from "./rules.ts";

/** The inspected hosts of a stack, and what the gateway needs for them. */
export interface Inspection {
  /** At least one. */
  readonly hosts: readonly InspectedHost[];
  /** Values of the stored credentials by name, as they are in the header after its prefix. */
  readonly credentials: Readonly<Record<string, pulumi.Input<string>>>;
  /** The GitHub App whose tokens are minted. Default none. */
  readonly github?: GithubApp | undefined;
  /** The authority of the stack, as PEM. */
  readonly authority: {
    readonly certificate: pulumi.Input<string>;
    readonly key: pulumi.Input<string>;
  };
}
