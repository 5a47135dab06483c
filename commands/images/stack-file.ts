import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { BadInput } from "../../cli/command-line.ts";

const IMAGES = ["config", "claude-gateway:images"];

/** The images in a stack's file, by their keys. */
export class StackFile {
  readonly #file: string;
  readonly #document;

  /** Throws {@link BadInput} if there is no such file. */
  constructor(folder: string, stack: string) {
    this.#file = join(folder, `Pulumi.${stack}.yaml`);
    if (!existsSync(this.#file)) {
      throw new BadInput(`--stack ${stack}: there is no file ${this.#file}. Make the stack first`);
    }
    this.#document = parseDocument(readFileSync(this.#file, "utf8"));
    const [error] = this.#document.errors;
    if (error !== undefined) throw new BadInput(`${this.#file}: ${error.message}`);
  }

  get images(): Readonly<Record<string, string>> {
    const { config } = (this.#document.toJS() ?? {}) as {
      config?: Record<string, Record<string, string> | undefined>;
    };
    return config?.["claude-gateway:images"] ?? {};
  }

  /** Comments and everything else in the file stay. */
  async write(images: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, image] of Object.entries(images)) {
      this.#document.setIn([...IMAGES, key], image);
    }
    // Long lines stay as they are.
    await writeFile(this.#file, this.#document.toString({ lineWidth: 0 }));
  }
}
