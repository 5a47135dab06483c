import type { Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** One TCP connection to a data port. */
export interface Connection {
  /** Increases over all listeners of a server. */
  readonly id: number;
  /** The TCP socket under TLS, if any. Only it can send a reset. */
  readonly transport: Socket;
  /** Requests under way on it: usually none or one; more if the client pipelines. */
  exchanges: number;
  /** Whether an answer left it open for the client to reuse. */
  kept: boolean;
}

/** Gives each connection its number, and links a TLS socket to the TCP socket below it. */
export class Connections {
  #count = 0;
  readonly #open = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();

  watch(server: HttpServer): void {
    const beforeHandshake = new Map<string, Connection>();
    server.on("connection", (socket: Socket) => {
      // `https.Server` emits this event again, with the TLS socket, after `secureConnection`.
      if (socket instanceof TLSSocket) return;
      const connection = { id: ++this.#count, transport: socket, exchanges: 0, kept: false };
      this.#bySocket.set(socket, connection);
      this.#open.add(connection);
      socket.once("close", () => this.#open.delete(connection));
      const peer = peerOf(socket);
      beforeHandshake.set(peer, connection);
      socket.once("close", () => beforeHandshake.delete(peer));
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      const connection = beforeHandshake.get(peerOf(socket));
      if (connection !== undefined) this.#bySocket.set(socket, connection);
    });
  }

  of(socket: Socket): Connection {
    return this.#bySocket.get(socket) ?? { id: 0, transport: socket, exchanges: 0, kept: false };
  }

  /** Resets idle connections, as the API's edge does when it restarts. Returns how many there were. */
  resetIdle(): number {
    const idle = [...this.#open].filter(({ exchanges, kept }) => kept && exchanges === 0);
    for (const { transport } of idle) transport.resetAndDestroy();
    return idle.length;
  }
}

/** Address and port of the peer. */
export function peerOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ""}:${socket.remotePort ?? ""}`;
}
