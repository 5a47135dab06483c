/**
 * Stands in for api.anthropic.com: the messages API behind Cloudflare, as far as a gateway and its clients
 * can tell. It speaks the documented shapes, refuses what the API refuses, and keeps the exact bytes of every
 * exchange. Every known difference from the API:
 * - The model is a few rules (assistant.ts), and its tokens are estimated (tokens.ts). Server tools, batches,
 *   files and everything else beside messages, count_tokens and models are missing, HTTP/2 too.
 * - Values of `anthropic-beta` are all taken. Of versions, 2023-01-01 is refused.
 * - A client that offers several encodings alike gets gzip. Which one the API takes is its own matter: gzip was
 *   seen most, br too. Zstd frames are valid but hold their content as it is (zstd.ts).
 * - Request bodies may be in gzip. What the API makes of another encoding, or of broken gzip, is not known:
 *   here both are refused as no valid JSON or gzip.
 * - Rate limits are stated and never reached, and `remaining` and `utilization` stand still.
 * - Errors without the outer `type` come from scripts and with the 413 only: what the API words so is not known
 *   but for examples.
 * - Trace headers have the API's names and make-believe values.
 */
import { X509Certificate } from "node:crypto";
import { rm } from "node:fs/promises";
import { createServer as createHttpServer, type Server, type ServerOptions } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, ListenOptions } from "node:net";
import { createSecureContext } from "node:tls";

import { apiListener } from "./api.ts";
import { Connections } from "./connections.ts";
import { controlServer } from "./control.ts";
import { State } from "./state.ts";

/** An address to listen on; port 0 takes a free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A certificate and its key, in PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** Where the fake API listens and what it accepts. */
export interface FakeAnthropicOptions {
  /** Addresses served by TLS; they need at least one identity. */
  readonly tls?: readonly Address[];
  /** One per certificate; the first is shown to clients that name no host. */
  readonly identities?: readonly TlsIdentity[];
  /** Addresses served without TLS. */
  readonly http?: readonly Address[];
  /** Path of the control API's unix socket. */
  readonly control?: string;
  /** API keys and OAuth tokens that are valid at the start. */
  readonly credentials?: readonly string[];
  /** How long a connection may be idle before it is closed. Default 400, as measured of the API. */
  readonly idleSeconds?: number;
}

/** A fake API that is listening. */
export interface FakeAnthropic {
  readonly state: State;
  /** Where the listeners are, in the order of the options. */
  readonly tls: readonly AddressInfo[];
  readonly http: readonly AddressInfo[];
  /** Ends all listeners and connections. */
  close(): Promise<void>;
}

const IDLE_SECONDS = 400;

const SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 0,
  requestTimeout: 0,
  // As Cloudflare, which takes large ones.
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

/** Picks the identity by the name a client asks for; no certificate for it ends the handshake, as at Cloudflare. */
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
  const listener = apiListener(state, connections);
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
    // Left over when an earlier server was killed.
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
