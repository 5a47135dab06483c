import { readFile } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Github } from "./github.ts";
import type { Received } from "./http.ts";
import { fullName, gitIn, type Pull } from "./world.ts";

/** What a test sees of a repository. */
export interface Shown {
  /** Commits by branch. */
  readonly branches: Readonly<Record<string, string>>;
  readonly pulls: readonly Pull[];
  readonly settingsChanged: readonly string[];
}

/** Serves what arrived and what the repositories contain, for tests: on a Unix socket, which no client of GitHub reaches. */
export function controlServer(github: Github): Server {
  return createServer((incoming, response) => {
    void answer(github, `${incoming.method ?? ""} ${incoming.url ?? ""}`).then((value) =>
      response.end(JSON.stringify(value)),
    );
  });
}

async function answer({ received, world }: Github, asked: string): Promise<unknown> {
  if (asked === "DELETE /received") return received.splice(0, Infinity).length;
  if (asked === "GET /received") return received;
  const shown = world.repositories.map(async (repository) => {
    const refs = await gitIn(repository, [
      "for-each-ref",
      "--format=%(refname:short) %(objectname)",
      "refs/heads",
    ]);
    const branches = Object.fromEntries(
      refs.split("\n").map((line) => line.split(" ") as [string, string]),
    );
    const { pulls, settingsChanged } = repository;
    return [fullName(repository), { branches, pulls, settingsChanged }] as const;
  });
  return Object.fromEntries(await Promise.all(shown));
}

/** Client of {@link controlServer}. */
export class GithubControl {
  readonly socket: string;
  readonly #keyFile: string;

  /** `keyFile` contains the key of the lab's App. */
  constructor(socket: string, keyFile: string) {
    this.socket = socket;
    this.#keyFile = keyFile;
  }

  /** Waits until the server answers. */
  async ready(): Promise<void> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      try {
        await this.repositories();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }

  /** The private key of the lab's App, as PEM. */
  appKey(): Promise<string> {
    return readFile(this.#keyFile, "utf8");
  }

  /** What arrived at GitHub's hosts since the last {@link forget}. */
  async received(): Promise<readonly Received[]> {
    return (await this.#ask("GET", "/received")) as readonly Received[];
  }

  async forget(): Promise<void> {
    await this.#ask("DELETE", "/received");
  }

  /** The repositories by full name. */
  async repositories(): Promise<Readonly<Record<string, Shown>>> {
    return (await this.#ask("GET", "/repositories")) as Record<string, Shown>;
  }

  async #ask(method: string, path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      request({ socketPath: this.socket, method, path }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => {
          resolve(JSON.parse(text));
        });
      })
        .on("error", reject)
        .end();
    });
  }
}
