import type { z } from "zod";
import type { CredentialKind } from "../api/credentials.ts";
import type { Endpoint, ExtraRoute } from "../api/endpoints.ts";

/** Values of a provider's settings, by key. */
export type ProviderSettings = Readonly<Record<string, string>>;

/**
 * A company's API for Claude that a stack can choose, and everything that depends on it. It is a value of
 * `gateway.provider`. Schema, renderers, the agents' environment, messages and tables read it.
 */
export interface Provider {
  /** Value of `gateway.provider`, and name of Envoy's cluster. */
  readonly name: string;
  /** Name in messages and tables for people. */
  readonly title: string;
  /** Kinds of the credential that it takes. */
  readonly credentials: readonly CredentialKind[];
  /** Settings under `gateway.<name>`, all of which are needed. */
  readonly settings: Readonly<Record<string, z.ZodType<string>>>;
  /** Why budgets cannot be kept. Default: they can. */
  readonly unbudgeted?: string;
  /** What the gateway and the agents need to know, for a stack's settings. */
  readonly upstream: (settings: ProviderSettings) => Upstream;
}

/** A provider's API as a stack uses it. */
export interface Upstream {
  /** The provider's name. */
  readonly name: string;
  /** Host of the API, TCP 443. */
  readonly host: string;
  /** What Envoy puts before the API's paths for agents, and removes again. */
  readonly prefix: string;
  /** What the agents' base URL has after {@link prefix}: the part of the API's paths that the client does not add. */
  readonly basePath: string;
  /** The routes that are open. `extra` are the optional ones. */
  readonly endpoints: (extra: readonly ExtraRoute[]) => readonly Endpoint[];
  /** Whether a request may have a query. The client sends none, and a query could carry another credential. */
  readonly query: boolean;
  /** Lua patterns of paths, without the query, on which a request for a message comes. A capture is the model. */
  readonly messagePaths: readonly string[];
  /** Headers, besides those that no upstream gets, by which a client could act with another identity. */
  readonly identityHeaders: readonly string[];
  /** Name in OpenTelemetry's semantic conventions (`gen_ai.provider.name`). */
  readonly telemetryName: string;
  /** Variables that make Claude Code call it at `baseUrl`. The agent's token is not among them. */
  readonly environment: (baseUrl: string) => Readonly<Record<string, string>>;
}
