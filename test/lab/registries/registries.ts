import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  pullCredentialsText,
  PULL_SECRET_KEY,
} from "../../../infra/machine/registries/registries.ts";
import {
  authorityFile,
  type Daemon,
  ctr,
  importIntoLab,
  type Lab,
  OTHER_REGISTRY,
  startDaemon,
  stopDaemon,
} from "../cluster/index.ts";
import { INTERNET_HOSTS } from "../cluster/network.ts";
import type { Cloud } from "../host/cloud.ts";
import { helperImage } from "../images/helper.ts";
import { layer } from "../images/layer.ts";
import { labCa } from "../parts/ca.ts";
import { command } from "../parts/command.ts";
import { createAuthority, issueCertificate } from "../parts/certificates.ts";
import type { Progress } from "../progress.ts";
import { ARTIFACT_HOST, SECRET_MANAGER_HOST } from "./places.ts";

const BACKEND = 5001;
const SECRET = "projects/p/secrets/gateway-host-pull-credentials";

/** The only user of the other registry, and its password: what no agent may see, as the access token. */
export const USER = "octo-bot";
export const PASSWORD = "lab-registry-password-0123456789";
/** Its bcrypt hash: the only kind that the registry reads. */
const PASSWORD_HASH = "$2b$05$5jyYfmovDgAuzYwNY56rEuBaSH8vFNno26D0XyUlhAG7CSW5ECRI2";
export { ACCESS_TOKEN } from "../host/google-services.ts";

/** A repository of Artifact Registry, and the same image in it and in the other registry. */
export const REPOSITORY = "lab-project/agents";
export const IMAGES = {
  artifactRegistry: `${ARTIFACT_HOST}/${REPOSITORY}/tool:1.0.0`,
  other: `${OTHER_REGISTRY}/team/tool:1.0.0`,
} as const;
/** A file of the image, with one line that nothing else has. */
export const MARKER = { path: "/marker", text: "only the private image has this line" } as const;

/**
 * Private registries in `internet`: Debian's `docker-registry`, once with a user and a password, and once behind a front that
 * plays Artifact Registry. Both serve the same images. Beside them what the machine asks for credentials.
 */
export class Registries {
  readonly #lab: Lab;
  readonly #dir: string;
  #cloud: Cloud = {
    attributes: { [PULL_SECRET_KEY]: SECRET },
    secrets: { [SECRET]: { grant: "Accessor" } },
    releases: {},
  };

  private constructor(lab: Lab) {
    this.#lab = lab;
    this.#dir = join(lab.dir, "registries");
  }

  /** Starts them and pushes the images. The account may read nothing, and there are no pull credentials. */
  static async start(lab: Lab, progress: Progress): Promise<Registries> {
    const registries = new Registries(lab);
    await registries.stop();
    await progress.step("Starting private registries", () => registries.#start(progress));
    return registries;
  }

  async stop(): Promise<void> {
    for (const name of ["registries", "registry-artifact", "registry-other"]) {
      await stopDaemon(this.#lab, name);
    }
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Whether the machine has a service account. */
  async setAccount(account: boolean): Promise<void> {
    await this.#write({ ...this.#cloud, account });
  }

  /** What the account may read. */
  async setReadable(repositories: readonly string[]): Promise<void> {
    await writeFile(join(this.#dir, "readable.json"), JSON.stringify(repositories));
  }

  /** The password of the other registry that Secret Manager has. */
  async setPassword(password: string): Promise<void> {
    const value = pullCredentialsText([{ registry: OTHER_REGISTRY, username: USER, password }]);
    const secrets = { [SECRET]: { grant: "Accessor", value } } as const;
    await this.#write({ ...this.#cloud, secrets });
  }

  /** Removes the images from the node, with what belongs to them alone. */
  async forget(): Promise<void> {
    const [program, ...args] = ctr(this.#lab);
    const names = Object.values(IMAGES);
    await command(program, [...args, "images", "remove", "--sync", ...names]);
  }

  async #write(cloud: Cloud): Promise<void> {
    this.#cloud = cloud;
    await writeFile(join(this.#dir, "cloud.json"), JSON.stringify(cloud));
  }

  async #start(progress: Progress): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    await this.#write(this.#cloud);
    await this.setReadable([]);
    const ca = await labCa();
    const names = [ARTIFACT_HOST, SECRET_MANAGER_HOST];
    await issueCertificate(ca, this.#dir, "google", { commonName: ARTIFACT_HOST, names });
    await issueCertificate(ca, this.#dir, "other", {
      commonName: OTHER_REGISTRY,
      names: [OTHER_REGISTRY],
    });
    await createAuthority(this.#dir, "issuer", ARTIFACT_HOST);
    for (const daemon of await this.#daemons()) await startDaemon(this.#lab, daemon);
    await this.#push(progress);
  }

  async #daemons(): Promise<Daemon[]> {
    const file = (name: string) => join(this.#dir, name);
    const registry = async (name: string, http: object, auth: object): Promise<Daemon> => {
      const storage = { filesystem: { rootdirectory: file("storage") } };
      const config = { version: "0.1", log: { level: "info" }, storage, http, auth };
      await writeFile(file(`${name}.yml`), JSON.stringify(config));
      const argv = ["docker-registry", "serve", file(`${name}.yml`)];
      return { name, netns: "internet", argv };
    };
    await writeFile(file("users"), `${USER}:${PASSWORD_HASH}\n`);
    const realm = `https://${ARTIFACT_HOST}/v2/token`;
    const issuer = { issuer: ARTIFACT_HOST, rootcertbundle: file("issuer.pem") };
    return [
      await registry(
        "registry-artifact",
        { addr: `127.0.0.1:${BACKEND}`, host: `https://${ARTIFACT_HOST}`, secret: "lab" },
        { token: { realm, service: ARTIFACT_HOST, ...issuer } },
      ),
      await registry(
        "registry-other",
        {
          addr: `${INTERNET_HOSTS[OTHER_REGISTRY] ?? ""}:443`,
          secret: "lab",
          tls: { certificate: file("other.pem"), key: file("other.key") },
        },
        { htpasswd: { realm: OTHER_REGISTRY, path: file("users") } },
      ),
      {
        name: "registries",
        netns: "internet",
        cwd: this.#lab.cloneDir,
        argv: [
          ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "main.ts")],
          ...[this.#dir, String(BACKEND)],
        ],
      },
    ];
  }

  /** Pushes the image into both repositories, through the registry that takes a password; they share their storage. */
  async #push(progress: Progress): Promise<void> {
    const content = await helperImage(progress);
    const marker = await layer(
      {
        name: "private-image",
        source: import.meta.filename,
        inputs: [],
        fill: (root) => writeFile(join(root, MARKER.path), `${MARKER.text}\n`),
      },
      progress,
    );
    const local = "localhost/private-tool:1.0.0";
    await importIntoLab(this.#lab, [
      { name: local, ...content, layers: [...content.layers, marker] },
    ]);
    const [program, ...args] = ctr(this.#lab);
    for (const name of [REPOSITORY, "team"]) {
      const to = `${OTHER_REGISTRY}/${name}/tool:1.0.0`;
      const login = ["--user", `${USER}:${PASSWORD}`, "--tlscacert", authorityFile(this.#lab)];
      const push = [...args, "images", "push", ...login, to, local];
      // It may not listen yet.
      for (let attempt = 0; ; attempt++) {
        try {
          await command(program, push);
          break;
        } catch (error) {
          if (attempt === 100) throw error;
          await sleep(100);
        }
      }
    }
    await command(program, [...args, "images", "remove", "--sync", local]);
  }
}
