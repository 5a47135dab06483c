import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  type MintConfig,
  mintConfig,
  type MintSource,
} from "../../components/gateway/mint/config.ts";
import { labCa } from "../lab/parts/ca.ts";
import { kill } from "./child.ts";
import { eventually } from "./envoy.ts";

const SCRIPT = fileURLToPath(new URL("../../components/gateway/mint/mint.mjs", import.meta.url));
/** The credential that a test mints. Default: that of the API, in a folder of its own. */
interface Minted {
  readonly name: string;
  readonly secretName: string;
  readonly format?: MintConfig["format"];
  /** The pod's folder, if several credentials share it. */
  readonly dir?: string;
}

const UPSTREAM: Minted = { name: "upstream", secretName: "credential" };

/** A line of the helper's log. */
export interface MintLine {
  readonly level: string;
  readonly credential: string;
  readonly message: string;
}

/** The real helper with one credential, in the folders of a pod that a test has for itself. */
export class MintProcess {
  readonly lines: MintLine[] = [];
  /** All that it wrote. */
  output = "";
  readonly #dir: string;
  readonly #settings: Partial<MintConfig>;
  readonly #source: MintSource;
  readonly #minted: Minted;
  #process: ChildProcess | undefined;

  private constructor(
    dir: string,
    source: MintSource,
    settings: Partial<MintConfig>,
    minted: Minted,
  ) {
    this.#dir = dir;
    this.#minted = minted;
    this.#source = source;
    this.#settings = settings;
  }

  /** Makes the pod's folders. The helper does not run yet. */
  static async prepare(
    source: MintSource,
    settings: Partial<MintConfig> = {},
    minted: Minted = UPSTREAM,
  ): Promise<MintProcess> {
    const dir = minted.dir ?? (await mkdtemp(join(tmpdir(), "mint-")));
    for (const folder of ["tokens", "assertions"]) {
      await mkdir(join(dir, folder), { recursive: true });
    }
    return new MintProcess(dir, source, settings, minted);
  }

  /** The folder that Envoy watches. */
  get tokens(): string {
    return join(this.#dir, "tokens");
  }

  get file(): string {
    return join(this.tokens, `${this.#minted.name}.json`);
  }

  /** Writes an assertion as the kubelet does. */
  async assertion(text: string): Promise<void> {
    const file = join(this.#dir, "assertions", this.#minted.name);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  /** Starts the helper, or starts it again in the same pod. Its clock is off by `clockSeconds`. */
  async start({ clockSeconds = 0 } = {}): Promise<void> {
    const { name, secretName, format } = this.#minted;
    const { assertionFile, ...config } = mintConfig(name, this.#source, secretName, format);
    const configFile = join(this.#dir, `${name}-config.json`);
    await writeFile(
      configFile,
      JSON.stringify({
        ...config,
        ...(assertionFile !== undefined && { assertionFile: join(this.#dir, "assertions", name) }),
        output: this.file,
        ...this.#settings,
      }),
    );
    const clock = `const now = Date.now; Date.now = () => now() + ${clockSeconds * 1000};`;
    const child = spawn(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(clock)}`, SCRIPT, configFile],
      {
        env: { NODE_EXTRA_CA_CERTS: (await labCa()).certFile },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    }
    createInterface({ input: child.stdout }).on("line", (line) =>
      this.lines.push(JSON.parse(line) as MintLine),
    );
  }

  /** Ends the helper as an out-of-memory kill does. */
  async kill(): Promise<void> {
    await kill(this.#process);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** The token that Envoy has: "" if it has none, undefined if there is no file. */
  async token(): Promise<string | undefined> {
    const text = await readFile(this.file, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    const { resources } = JSON.parse(text) as {
      resources: { generic_secret: { secret: { inline_string: string } } }[];
    };
    return resources[0]?.generic_secret.secret.inline_string;
  }

  /** Waits for a token other than those that are known. */
  async nextToken(...known: readonly string[]): Promise<string> {
    const token = await eventually(
      () => this.token(),
      (found) => found !== undefined && found !== "" && !known.includes(found),
    );
    return token ?? "";
  }

  /** Waits for a line that contains a text, and returns its message. */
  async says(text: string): Promise<string> {
    const line = await eventually(
      () => Promise.resolve(this.lines.find(({ message }) => message.includes(text))),
      (found) => found !== undefined,
    ).catch((error: unknown) => {
      throw new Error(`the helper did not say "${text}":\n${this.output}`, { cause: error });
    });
    return line?.message ?? "";
  }

  /** What the readiness probe sees: whether there was a token, and the problem. */
  async readiness(): Promise<{ readonly ready: boolean; readonly problem: string | undefined }> {
    const state = join(this.tokens, "state");
    return {
      ready: (await readdir(state).catch((): string[] => [])).includes(
        `${this.#minted.name}.minted`,
      ),
      problem: await readFile(join(state, `${this.#minted.name}.problem`), "utf8").catch(
        () => undefined,
      ),
    };
  }

  /** What the helper has to find again after a restart. */
  async state(): Promise<{ readonly spent?: string }> {
    const text = await readFile(join(this.tokens, "state", `${this.#minted.name}.json`), "utf8");
    return JSON.parse(text) as { readonly spent?: string };
  }

  /** Permissions of each file, by path in the folder that Envoy watches. */
  async modes(): Promise<Record<string, string>> {
    const files = await readdir(this.tokens, { recursive: true });
    const modes = files.map(async (file) => {
      const { mode } = await stat(join(this.tokens, file));
      return [file, (mode & 0o777).toString(8)] as const;
    });
    return Object.fromEntries(await Promise.all(modes));
  }
}
