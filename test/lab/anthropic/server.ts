/**
 * Simulates api.anthropic.com: the messages API behind Cloudflare, as a gateway and its clients see it. It uses the
 * documented formats, rejects what the API rejects, and records the exact bytes of every exchange. All known differences
 * from the API:
 * - The model is a few rules (assistant.ts), and its tokens are estimated (tokens.ts). Only messages, count_tokens,
 *   models and the token endpoint exist; there are no server tools, batches or files, and no HTTP/2.
 * - Every value of `anthropic-beta` is accepted. Of the API versions, 2023-01-01 is rejected.
 * - A client that accepts several encodings equally gets gzip. Which one the API prefers is unknown: it was seen to use
 *   gzip most often, and also br. Zstd frames are valid, but their content is not compressed (zstd.ts).
 * - Request bodies may be gzip-compressed. How the API reacts to another encoding or to broken gzip is unknown; here both
 *   are rejected as invalid JSON or gzip.
 * - Rate limit headers are sent, but a limit is never reached, and `remaining` and `utilization` do not change.
 * - Errors without the outer `type` come only from scripts and with the 413, because it is not known, except for a few
 *   examples, which errors of the API have this format.
 * - The token endpoint is that of test/lab/tokens/anthropic.ts, with the differences named there. Its rules are set by control.
 * - Trace headers have the API's names but made-up values.
 */
import { X509Certificate } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer as createHttpServer, type Server, type ServerOptions } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, ListenOptions } from "node:net";
import { createSecureContext } from "node:tls";

import { type AnswerRequest, apiListener } from "./api.ts";
import { Connections } from "./connections.ts";
import { controlServer } from "./control.ts";
import { State } from "./state.ts";

/** An address to listen on. Port 0 selects a free port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A certificate and its key, in PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Where the fake API listens, and what it accepts. */
export interface FakeAnthropicOptions {
  /** Addresses with TLS. They need at least one identity. */
  readonly tls?: readonly Address[];
  /** One per certificate. Clients without a server name get the first. */
  readonly identities?: readonly TlsIdentity[];
  /** Addresses without TLS. */
  readonly http?: readonly Address[];
  /** Path of the control API's unix socket. */
  readonly control?: string;
  /** API keys and OAuth tokens that are valid at first. */
  readonly credentials?: readonly string[];
  /** Another provider's API on the same model. Default: Anthropic's. */
  readonly answer?: AnswerRequest;
  /** How long a connection may be idle, in seconds. Default 400, as measured at the API. */
  readonly idleSeconds?: number;
}

/** A running fake API. */
export interface FakeAnthropic {
  readonly state: State;
  /** The addresses of the listeners, in the order of the options. */
  readonly tls: readonly AddressInfo[];
  readonly http: readonly AddressInfo[];
  /** Closes all listeners and connections. */
  close(): Promise<void>;
}

const IDLE_SECONDS = 400;

const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 0,
  requestTimeout: 0,
  // Like Cloudflare, which accepts large headers.
  maxHeaderSize: 128 * 1024,
};

function listen(server: Server, where: ListenOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ backlog: 4096, ...where }, () => {
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Selects the identity by the TLS server name. Without a matching certificate the handshake fails, as at Cloudflare. */
function tlsOptions(identities: readonly TlsIdentity[]) {
  const contexts = identities.map((identity) => ({
    certificate: new X509Certificate(identity.cert),
    context: createSecureContext({ cert: identity.cert, key: identity.key }),
  }));
  const [first] = identities;
  if (first === undefined)
    throw new Error("a TLS listener needs a certificate: give --cert and --key");
  return {
    cert: first.cert,
    key: first.key,
    SNICallback: (
      name: string,
      done: (error: Error | null, context?: ReturnType<typeof createSecureContext>) => void,
    ) => {
      const found = contexts.find(({ certificate }) => certificate.checkHost(name) !== undefined);
      if (found === undefined) done(new Error(`no certificate for ${name}`));
      else done(null, found.context);
    },
  };
}

/** Starts a fake API. */
export async function startFakeAnthropic(options: FakeAnthropicOptions): Promise<FakeAnthropic> {
  const state = new State();
  state.credentials.replace(options.credentials ?? []);
  const connections = new Connections();
  const listener = apiListener(state, connections, options.answer);
  const servers: Server[] = [];
  const idle = { keepAliveTimeout: (options.idleSeconds ?? IDLE_SECONDS) * 1000 };
  const start = async (server: Server, where: ListenOptions) => {
    servers.push(server);
    return listen(server, where);
  };

  const tls: AddressInfo[] = [];
  for (const { host, port } of options.tls ?? []) {
    const identity = tlsOptions(options.identities ?? []);
    const server = createHttpsServer({ ...SERVER_OPTIONS, ...idle, ...identity }, listener);
    connections.watch(server);
    tls.push(await start(server, { host, port }));
  }
  const http: AddressInfo[] = [];
  for (const { host, port } of options.http ?? []) {
    const server = createHttpServer({ ...SERVER_OPTIONS, ...idle }, listener);
    connections.watch(server);
    http.push(await start(server, { host, port }));
  }
  if (options.control !== undefined) {
    // An earlier server that was killed may have left the socket behind.
    await rm(options.control, { force: true });
    await start(controlServer(state, connections), { path: options.control });
  }
  return {
    state,
    tls,
    http,
    close: async () => {
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => {
                resolve();
              });
              server.closeAllConnections();
            }),
        ),
      );
    },
  };
}
