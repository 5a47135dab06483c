/** One kind of request that agents may send to an inspected host. */
export interface HostRule {
  /** Methods, in upper case. */
  readonly methods: readonly string[];
  /** Regular expression (RE2) for the whole path without the query, as the client wrote it. See {@link CLEAN_PATH}. */
  readonly path: string;
  /** The query as `key=value&…`, exactly. Default: any query. */
  readonly query?: string;
  /** Names of the agents that may send it. Only with a credential, because only then agents show who they are. Default: every agent. */
  readonly agents?: readonly string[];
  /** What a request does, for the log. */
  readonly action: string;
}

/** How the gateway authenticates to a host. */
export interface HostCredential {
  /** Name of the secret, and part of the name of its file. Hosts with the same credential have the same name. */
  readonly name: string;
  /** `stored`: the config has it, and Envoy reads it from its Secret. `minted`: the helper makes it. */
  readonly kept: "stored" | "minted";
  /** Header that carries it, in lower case. */
  readonly header: string;
  /** What comes before the secret in the header, for example `Bearer `. Default nothing. */
  readonly prefix?: string;
}

/** A host whose TLS ends at the gateway. */
export interface InspectedHost {
  readonly host: string;
  /** What agents may send; everything else is refused. */
  readonly rules: readonly HostRule[];
  /**
   * What the gateway sends instead of the agent's token, which every request must show. Default none: then a request needs
   * no token, and the host gets no credential at all, whatever the client sent.
   */
  readonly credential?: HostCredential;
  /**
   * Whether the host gets the client's own `authorization`: each request there is signed by somebody else, who gave the client
   * the signature. Only without a credential. Default false.
   */
  readonly signed?: boolean;
  /** Why a request that no rule allows is refused, and what is allowed: the start of the message to the agent. */
  readonly refusal: string;
}
