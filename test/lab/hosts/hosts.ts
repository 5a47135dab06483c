import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { daemonPid, type Lab, startDaemon } from "../cluster/index.ts";
import { INTERNET_HOSTS } from "../cluster/network.ts";
import { labCa } from "../parts/ca.ts";
import { issueCertificate } from "../parts/certificates.ts";

const NAME = "hosts";
const exec = promisify(execFile);

/** Hosts other than the API, with the addresses that the lab's resolver returns for them. */
const HOSTS = { "github.com": "140.82.112.3", "npm.pkg.github.com": "104.16.0.35" } as const;

/** What an agent can fetch there: a repository with one file, and a package with one version. */
export const contents = {
  repository: "https://github.com/lab/hello.git",
  file: "README.md",
  text: "hello from the lab\n",
  package: "hello-lab",
  version: "1.0.0",
} as const;

/** Starts simulated servers for github.com and npm.pkg.github.com in `internet`, if they do not run yet. */
export async function ensureHosts(lab: Lab): Promise<void> {
  if (daemonPid(lab, NAME) !== undefined) return;
  const dir = join(lab.dir, NAME);
  const root = join(dir, "root");
  await rm(dir, { recursive: true, force: true });
  await Promise.all([makeRepository(dir, root), makePackage(dir, root)]);
  const { certFile, keyFile } = await issueCertificate(await labCa(), dir, NAME, {
    commonName: "github.com",
    names: Object.keys(HOSTS),
  });
  await startDaemon(lab, {
    name: NAME,
    netns: "internet",
    cwd: lab.cloneDir,
    argv: [
      ...[process.execPath, "--import", "tsx", join(import.meta.dirname, "main.ts")],
      ...["--cert", certFile, "--key", keyFile, "--root", root],
      ...[...Object.values(HOSTS), INTERNET_HOSTS["unique-local.example"] ?? ""].flatMap(
        (address) => ["--listen", address],
      ),
    ],
  });
}

async function makeRepository(dir: string, root: string): Promise<void> {
  const work = join(dir, "work");
  const bare = join(root, "github.com/lab/hello.git");
  await mkdir(work, { recursive: true });
  await writeFile(join(work, contents.file), contents.text);
  const author = ["-c", "user.name=lab", "-c", "user.email=lab@example.invalid"];
  await exec("git", ["init", "--quiet", "--initial-branch=main", work]);
  await exec("git", ["-C", work, "add", "."]);
  await exec("git", ["-C", work, ...author, "commit", "--quiet", "--message=hello"]);
  await exec("git", ["clone", "--quiet", "--bare", work, bare]);
  await exec("git", ["-C", bare, "update-server-info"]);
}

async function makePackage(dir: string, root: string): Promise<void> {
  const { package: name, version } = contents;
  const manifest = { name, version };
  const source = join(dir, "package");
  const registry = join(root, "npm.pkg.github.com");
  const tarball = `tarballs/${name}-${version}.tgz`;
  await mkdir(source, { recursive: true });
  await mkdir(join(registry, "tarballs"), { recursive: true });
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
