import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  type LeavesConfig,
  leavesConfig,
  leavesScript,
} from "../../components/gateway/inspect/leaves.ts";
import { LEAF_FILE, LEAVES_DIR } from "../../components/gateway/inspect/place.ts";
import type { KeyPair } from "../lab/parts/certificates.ts";
import { kill } from "./child.ts";
import { eventually } from "./envoy.ts";

/** The real helper, as it is bundled, in the folders of a pod that a test has for itself. */
export class LeavesProcess {
  readonly lines: { readonly level: string; readonly message: string }[] = [];
  readonly #dir: string;
  readonly #config: LeavesConfig;
  #process: ChildProcess | undefined;

  private constructor(dir: string, config: LeavesConfig) {
    this.#dir = dir;
    this.#config = config;
  }

  /** Makes the pod's folders. The helper does not run yet. */
  static async prepare(
    hosts: readonly string[],
    authority: KeyPair,
    settings: Partial<LeavesConfig> = {},
  ): Promise<LeavesProcess> {
    const dir = await mkdtemp(join(tmpdir(), "leaves-"));
    await mkdir(join(dir, "leaves"));
    await writeFile(join(dir, "leaves.mjs"), leavesScript());
    const config = {
      ...leavesConfig(hosts),
      certificateFile: authority.certFile,
      keyFile: authority.keyFile,
      output: LEAF_FILE.replace(LEAVES_DIR, join(dir, "leaves")),
      ...settings,
    };
    return new LeavesProcess(dir, config);
  }

  /** The folder that Envoy watches. */
  get leaves(): string {
    return join(this.#dir, "leaves");
  }

  /** Sets the helper's clock off by so many seconds, also while it runs. */
  async setClock(seconds: number): Promise<void> {
    await writeFile(join(this.#dir, "clock"), String(seconds));
  }

  /** Starts the helper, or starts it again in the same pod. */
  async start(): Promise<void> {
    const configFile = join(this.#dir, "config.json");
    await writeFile(configFile, JSON.stringify(this.#config));
    const file = JSON.stringify(join(this.#dir, "clock"));
    const clock = `import fs from "node:fs"; const now = Date.now;
      Date.now = () => now() + (fs.existsSync(${file}) ? Number(fs.readFileSync(${file})) * 1000 : 0);`;
    const child = spawn(
      process.execPath,
      [
        "--import",
        `data:text/javascript,${encodeURIComponent(clock)}`,
        join(this.#dir, "leaves.mjs"),
        configFile,
      ],
      { env: {}, stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#process = child;
    createInterface({ input: child.stdout }).on("line", (line) =>
      this.lines.push(JSON.parse(line) as LeavesProcess["lines"][number]),
    );
  }

  /** Waits for a certificate other than a known one, and returns it. */
  async next(known?: string): Promise<string> {
    return eventually(
      () => this.certificate(),
      (pem) => pem !== known,
    );
  }

  async certificate(): Promise<string> {
    const { resources } = JSON.parse(await readFile(this.#config.output, "utf8")) as {
      resources: [{ tls_certificate: { certificate_chain: { inline_string: string } } }];
    };
    return resources[0].tls_certificate.certificate_chain.inline_string;
  }

  /** Permissions of Envoy's file. */
  async mode(): Promise<string> {
    return ((await stat(this.#config.output)).mode & 0o777).toString(8);
  }

  /** Waits for a line that contains a text, and returns it. */
  async says(text: string): Promise<{ readonly level: string; readonly message: string }> {
    const line = await eventually(
      () => Promise.resolve(this.lines.find(({ message }) => message.includes(text))),
      (found) => found !== undefined,
    );
    return line ?? { level: "", message: "" };
  }

  /** Ends the helper as an out-of-memory kill does. */
  async kill(): Promise<void> {
    await kill(this.#process);
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
