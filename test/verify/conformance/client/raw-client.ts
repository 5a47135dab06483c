import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { decodedSoFar } from "./content-encoding.ts";

/** The source of the script that speaks HTTP for {@link RawClient}, passed to `node --input-type=module --eval`. */
export const RAW_CLIENT_SOURCE = readFileSync(new URL("raw-client.mjs", import.meta.url), "utf8");

/** Bytes of a body: text, base64, or one character repeated. */
export type Piece =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly fill: string; readonly length: number };

export type HeaderPair = readonly [name: string, value: string];

/** A request exactly as it is sent, including framing headers. */
export interface RawRequest {
  readonly method: string;
  /** Path and query, relative to the agent's base URL. */
  readonly path: string;
  /** In a value, `{credential}` stands for the agent's own credential and `{host}` for the base URL's host. */
  readonly headers: readonly HeaderPair[];
  readonly body: readonly Piece[];
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderPair[];
}

/** What the client received, complete or cut off. */
export interface RawResponse {
  /** Missing if the connection ended before it arrived. */
  readonly head: ResponseHead | undefined;
  readonly body: Buffer;
  /** `end` if the body ended properly. Otherwise why it stopped. */
  readonly ended: "end" | (string & {});
}

type Event =
  | { readonly event: "ready"; readonly baseUrl: string; readonly hasCredential: boolean }
  | ({ readonly event: "head"; readonly id: number } & ResponseHead)
  | { readonly event: "data"; readonly id: number; readonly base64: string }
  | { readonly event: "end"; readonly id: number }
  | { readonly event: "cut"; readonly id: number; readonly why: string };

const TIMEOUT_MS = 60_000;
const CLOSE_MS = 1000;

/** A process that sends raw HTTP/1.1 from where agents run; see raw-client.mjs. */
export class RawClient {
  /** The agent's base URL, from its environment. */
  readonly baseUrl: string;
  readonly #child: ChildProcess;
  readonly #exchanges: Map<number, RawExchange>;
  #nextId = 1;
  /** Why the process has ended; undefined while it runs. */
  #gone: Error | undefined;

  private constructor(child: ChildProcess, exchanges: Map<number, RawExchange>, baseUrl: string) {
    this.#child = child;
    this.#exchanges = exchanges;
    this.baseUrl = baseUrl;
  }

  /** Uses a process that runs {@link RAW_CLIENT_SOURCE}. */
  static async over(child: ChildProcess): Promise<RawClient> {
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null)
      throw new Error("the client process must have pipes for stdin and stdout");
    let complaints = "";
    stderr?.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    stdin.on("error", () => undefined);
    return new Promise((resolve, reject) => {
      const exchanges = new Map<number, RawExchange>();
      let client: RawClient | undefined;
      createInterface({ input: stdout }).on("line", (line) => {
        const event = JSON.parse(line) as Event;
        if (event.event !== "ready") {
          exchanges.get(event.id)?.handle(event);
          return;
        }
        if (!event.hasCredential)
          reject(new Error("the agent's environment contains no credential"));
        client = new RawClient(child, exchanges, event.baseUrl);
        resolve(client);
      });
      const gone = (why: string) => {
        const error = new Error(`the HTTP client in the agent's pod ended: ${why}`);
        reject(error);
        if (client !== undefined) client.#gone = error;
        for (const exchange of exchanges.values()) exchange.fail(error);
      };
      child.on("error", (error) => {
        gone(error.message);
      });
      child.on("close", () => {
        gone(complaints.trim() || "without a message");
      });
    });
  }

  /** Sends a request on a new connection. */
  open(request: RawRequest, timeoutMs = TIMEOUT_MS): RawExchange {
    const id = this.#nextId++;
    const exchange = new RawExchange((command) => {
      this.#child.stdin?.write(`${oneLine({ id, ...command })}\n`);
    });
    if (this.#gone !== undefined) {
      exchange.fail(this.#gone);
      return exchange;
    }
    this.#exchanges.set(id, exchange);
    void exchange.response
      .catch(() => undefined)
      .finally(() => {
        this.#exchanges.delete(id);
      });
    exchange.command({ do: "open", request, timeoutMs });
    return exchange;
  }

  /** Sends a request and reads the whole response. */
  send(request: RawRequest, timeoutMs?: number): Promise<RawResponse> {
    return this.open(request, timeoutMs).response;
  }

  /** Ends the process. It must lead its own process group. */
  close(): void {
    this.#child.stdin?.end();
    const { pid } = this.#child;
    if (pid === undefined || this.#gone !== undefined) return;
    // `kubectl exec` can outlive its command, and killing only nsenter would leave kubectl running, so kill the group.
    const timer = setTimeout(() => {
      killGroup(pid);
    }, CLOSE_MS);
    this.#child.once("close", () => {
      clearTimeout(timer);
    });
  }
}

/** Kills a process group, unless it ended just now: Node reports the end of a child only after its pipes are read. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** JSON without the two characters that end a line for Node's readline but not in JSON. */
function oneLine(value: object): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** A request under way, with the part of the response that has arrived. */
export class RawExchange {
  /** Resolves when the response has ended, properly or not. */
  readonly response: Promise<RawResponse>;
  readonly command: (command: object) => void;
  #resolve!: (response: RawResponse) => void;
  #reject!: (error: Error) => void;
  #head: ResponseHead | undefined;
  #body = Buffer.alloc(0);
  #ended: string | undefined;
  #error: Error | undefined;
  #watchers: (() => void)[] = [];

  constructor(command: (command: object) => void) {
    this.command = command;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends more of the request's body. */
  write(...body: Piece[]): void {
    this.command({ do: "write", body });
  }

  /** Disconnects, like a client that is killed. */
  abort(): void {
    this.command({ do: "abort" });
  }

  /** Stops reading, so that what the peer sends stays in the connection. */
  pause(): void {
    this.command({ do: "pause" });
  }

  resume(): void {
    this.command({ do: "resume" });
  }

  /** Waits for the response's head; `undefined` if it does not arrive in time. */
  async head(withinMs = 10_000): Promise<ResponseHead | undefined> {
    await this.#until(() => this.#head !== undefined, withinMs);
    return this.#head;
  }

  /** Waits until that many bytes of the content can be read. Returns whether this happened in time. */
  async received(bytes: number, withinMs = 10_000): Promise<boolean> {
    const readable = () => (this.#content()?.length ?? 0) >= bytes;
    await this.#until(readable, withinMs);
    return readable();
  }

  #content(): Buffer | undefined {
    const encoding = this.#head?.headers.find(([name]) => /^content-encoding$/i.test(name))?.[1];
    return decodedSoFar(encoding, this.#body);
  }

  handle(event: Exclude<Event, { event: "ready" }>): void {
    if (event.event === "head") this.#head = event;
    else if (event.event === "data") {
      this.#body = Buffer.concat([this.#body, Buffer.from(event.base64, "base64")]);
    } else {
      this.#ended = event.event === "end" ? "end" : event.why;
      this.#resolve({ head: this.#head, body: this.#body, ended: this.#ended });
    }
    for (const watcher of this.#watchers) watcher();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#reject(error);
    for (const watcher of this.#watchers) watcher();
  }

  #until(satisfied: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#error !== undefined) reject(this.#error);
        else if (satisfied() || this.#ended !== undefined) resolve();
        else return;
        clearTimeout(timer);
        this.#watchers = this.#watchers.filter((watcher) => watcher !== look);
      };
      const timer = setTimeout(resolve, withinMs);
      this.#watchers.push(look);
      look();
    });
  }
}
