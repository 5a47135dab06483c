import { once } from "node:events";
import { readFile } from "node:fs/promises";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Github, GITHUB_HOSTS } from "../lab/hosts/github/github.ts";
import { serveGithub } from "../lab/hosts/github/serve.ts";
import { certificateFor } from "./gateways.ts";

/** The stand-in of GitHub's hosts behind TLS, on one port of loopback. */
export class GithubServer {
  readonly #server: https.Server;

  private constructor(server: https.Server) {
    this.#server = server;
  }

  static async start(github: Github): Promise<GithubServer> {
    const { certFile, keyFile } = await certificateFor(...GITHUB_HOSTS, "127.0.0.1");
    const server = https.createServer(
      { cert: await readFile(certFile), key: await readFile(keyFile) },
      (request, response) => {
        serveGithub(github, request, response).catch(() => request.socket.destroy());
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new GithubServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
