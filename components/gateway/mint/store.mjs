// What the helper keeps in memory-backed files: the token for Envoy, and what the helper itself has to find again when it
// restarts in the same pod.
import { basename, dirname, join } from "node:path";

const SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** Both programs run as the same user. */
const MODE = 0o600;

export class Store {
  #fs;
  #output;
  #state;
  #minted;
  #problem;
  #secretName;
  #format;

  /**
   * @param fs the functions of `node:fs`
   * @param output the file that Envoy watches, and `secretName` the name of the secret in it
   * @param format `token`, or `git`: the token as the password of a Basic credential, as Git sends it
   */
  constructor({ fs, output, secretName, format }) {
    const folder = join(dirname(output), "state");
    const name = basename(output, ".json");
    this.#fs = fs;
    this.#output = output;
    // A folder of its own: Envoy reads its files again after each rename in the folder that it watches.
    this.#state = join(folder, `${name}.json`);
    this.#minted = join(folder, `${name}.minted`);
    this.#problem = join(folder, `${name}.problem`);
    this.#secretName = secretName;
    this.#format = format;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** The state that was saved last, or an empty one. */
  load() {
    try {
      return JSON.parse(this.#fs.readFileSync(this.#state, "utf8"));
    } catch {
      return {};
    }
  }

  save(state) {
    this.#replace(this.#state, JSON.stringify(state));
  }

  /** Gives Envoy a token, or takes it away with undefined: then Envoy answers requests itself. */
  give(token) {
    const text = token === undefined ? "" : this.#formatted(token);
    const secret = { secret: { inline_string: text } };
    const resource = { "@type": SECRET, name: this.#secretName, generic_secret: secret };
    this.#replace(this.#output, JSON.stringify({ resources: [resource] }));
    if (token !== undefined) this.#fs.writeFileSync(this.#minted, "", { mode: MODE });
  }

  /** What the readiness probe shows while the pod has had no token yet. */
  explain(message) {
    this.#replace(this.#problem, `${message}\n`);
  }

  #formatted(token) {
    return this.#format === "git"
      ? Buffer.from(`x-access-token:${token}`).toString("base64")
      : token;
  }

  /** Envoy sees the old file or the new one, and nothing in between. */
  #replace(file, text) {
    const draft = join(dirname(file), `.${basename(file)}.draft`);
    this.#fs.writeFileSync(draft, text, { mode: MODE });
    this.#fs.renameSync(draft, file);
  }
}
