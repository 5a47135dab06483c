import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";

/**
 * Takes the place of the agents' DNS for programs that a test starts: whatever host they ask for, they get to one port of
 * loopback, with the names as they are.
 */
export class ConnectProxy {
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async start(to: number): Promise<ConnectProxy> {
    const server = http.createServer();
    server.on("connect", (_request, client: net.Socket) => {
      const upstream = net.connect(to, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        client.pipe(upstream).pipe(client);
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ConnectProxy(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
