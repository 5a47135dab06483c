import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { generateKeyPairSync } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { daemonPid, type Lab, startDaemon } from "../cluster/index.ts";
import { INTERNET_HOSTS } from "../cluster/network.ts";
import { labCa } from "../parts/ca.ts";
import { issueCertificate } from "../parts/certificates.ts";
import { GithubControl } from "./github/control.ts";
import { GITHUB_HOSTS } from "./github/github.ts";
import { publicFile } from "./github/lab-world.ts";

const NAME = "hosts";
const APP_KEY = "app.pem";
const exec = promisify(execFile);

const REGISTRY = "npm.pkg.github.com";

/** Hosts other than the API. */
const HOSTS = [...GITHUB_HOSTS, REGISTRY];

/** What an agent can fetch there: a repository with one file, and a package with one version. */
export const contents = {
  repository: "https://github.com/lab/hello.git",
  ...publicFile,
  package: "hello-lab",
  /** Only for who shows {@link packagesToken}. */
  privatePackage: "@lab/hello",
  version: "1.0.0",
} as const;

/** Bearer token of the private package. */
export const packagesToken = "lab-packages-token-0123456789-0123456789-0123456789";

/** Starts simulated servers for GitHub and npm.pkg.github.com in `internet`, if they do not run yet. */
export async function ensureHosts(lab: Lab): Promise<GithubControl> {
  const github = new GithubControl(join(lab.dir, "github.sock"), join(lab.dir, NAME, APP_KEY));
  if (daemonPid(lab, NAME) !== undefined) return github;
  const dir = join(lab.dir, NAME);
  const root = join(dir, "root");
  await rm(dir, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const app = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(join(dir, APP_KEY), app.privateKey.export({ type: "pkcs1", format: "pem" }));
  const publicKey = join(dir, "app.pub");
  await writeFile(publicKey, app.publicKey.export({ type: "spki", format: "pem" }));
  await makePackage(dir, root, contents.package);
  await makePackage(dir, root, contents.privatePackage);
  const { certFile, keyFile } = await issueCertificate(await labCa(), dir, NAME, {
    commonName: "github.com",
    names: HOSTS,
  });
  await startDaemon(lab, {
    name: NAME,
    netns: "internet",
    cwd: lab.cloneDir,
    argv: [
      ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "main.ts")],
      ...["--cert", certFile, "--key", keyFile, "--root", root, "--token", packagesToken],
      ...["--app-key", publicKey, "--control", github.socket],
      ...[...HOSTS, "unique-local.example"].flatMap((host) => [
        "--listen",
        INTERNET_HOSTS[host] ?? "",
      ]),
    ],
  });
  await github.ready();
  return github;
}

async function makePackage(dir: string, root: string, name: string): Promise<void> {
  const { version } = contents;
  const manifest = { name, version };
  const source = join(dir, "package");
  const registry = join(root, "npm.pkg.github.com");
  const tarball = `${name.startsWith("@") ? `${dirname(name)}/` : ""}tarballs/${basename(name)}-${version}.tgz`;
  await mkdir(source, { recursive: true });
  await mkdir(dirname(join(registry, tarball)), { recursive: true });
  await writeFile(join(source, "package.json"), JSON.stringify(manifest));
  await exec("tar", ["-czf", join(registry, tarball), "-C", dir, "package"]);
  const dist = { tarball: `https://npm.pkg.github.com/${tarball}` };
  await writeFile(
    join(registry, name),
    JSON.stringify({
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { ...manifest, dist } },
    }),
  );
}
