import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Stands in for three private registries, with one package each. As the real ones, each answers 401 without its credential, in
 * its own form: npm in JSON, an index of Python with Basic, Cargo with its `auth-required` index. Publishing works with it.
 */
export interface Registry {
  readonly host: string;
  /** The value of `authorization` that it demands. */
  readonly authorization: string;
  /** What the far side received: method, path, and whether the credential was its own. */
  readonly requests: string[];
  readonly serve: (request: http.IncomingMessage, response: http.ServerResponse) => void;
}

type Answer = { readonly type: string; readonly body: string | Buffer };

function registry(
  host: string,
  authorization: string,
  challenge: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Answer>>,
): Registry {
  const requests: string[] = [];
  return {
    ...{ host, authorization, requests },
    serve: (request, response) => {
      request.resume();
      const { method = "", url = "", headers } = request;
      const own = headers.authorization === authorization;
      requests.push(`${method} ${url}${own ? "" : ` with ${headers.authorization ?? "nothing"}`}`);
      if (!own) {
        response.writeHead(401, { "content-type": "application/json", ...challenge });
        response.end(
          '{"error":"authentication required","errors":[{"detail":"authentication required"}]}',
        );
        return;
      }
      const file = files[url];
      response.writeHead(method !== "GET" ? 201 : file === undefined ? 404 : 200, {
        "content-type": file?.type ?? "application/json",
      });
      response.end(file?.body ?? "{}");
    },
  };
}

const JSON_TYPE = "application/json";

/** Packs files with a command that leaves the package in `out`. */
function packed(files: Readonly<Record<string, string>>, command: string): Buffer {
  const dir = mkdtempSync(join(tmpdir(), "package-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    execFileSync("sh", ["-c", command], { cwd: dir });
    return readFileSync(join(dir, "out"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export function npmRegistry(host: string, token: string): Registry {
  const manifest = { name: "@scope/name", version: "1.0.0" };
  const tarball = packed(
    { "package/package.json": JSON.stringify(manifest) },
    "tar czf out package",
  );
  const path = "/team/npm/@scope/name/-/name-1.0.0.tgz";
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const document = {
    name: manifest.name,
    "dist-tags": { latest: "1.0.0" },
    versions: {
      "1.0.0": { ...manifest, dist: { tarball: `https://${host}${path}`, integrity } },
    },
  };
  return registry(
    host,
    `Bearer ${token}`,
    { "www-authenticate": 'Bearer realm="npm"' },
    {
      "/team/npm/@scope%2fname": { type: JSON_TYPE, body: JSON.stringify(document) },
      [path]: { type: "application/octet-stream", body: tarball },
    },
  );
}

export function pythonIndex(host: string, token: string): Registry {
  const wheel = packed(
    {
      "private_name.py": "",
      "private_name-1.0.dist-info/METADATA":
        "Metadata-Version: 2.1\nName: private-name\nVersion: 1.0\n",
      "private_name-1.0.dist-info/WHEEL":
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
      "private_name-1.0.dist-info/RECORD":
        "private_name.py,,\nprivate_name-1.0.dist-info/METADATA,,\nprivate_name-1.0.dist-info/WHEEL,,\nprivate_name-1.0.dist-info/RECORD,,\n",
    },
    'python3 -c \'import shutil; shutil.make_archive("../p" + str(__import__("os").getpid()), "zip", ".")\' && mv ../p*.zip out',
  );
  const file = "private_name-1.0-py3-none-any.whl";
  const basic = Buffer.from(`__token__:${token}`).toString("base64");
  return registry(
    host,
    `Basic ${basic}`,
    { "www-authenticate": 'Basic realm="pypi"' },
    {
      "/team/simple/private-name/": {
        type: "text/html",
        body: `<!DOCTYPE html><html><body><a href="../../files/${file}">${file}</a></body></html>`,
      },
      [`/team/files/${file}`]: { type: "application/octet-stream", body: wheel },
    },
  );
}

export function cargoRegistry(host: string, token: string): Registry {
  const manifest = '[package]\nname = "private"\nversion = "1.0.0"\nedition = "2021"\n';
  const crate = packed(
    { "private-1.0.0/Cargo.toml": manifest, "private-1.0.0/src/lib.rs": "" },
    "tar czf out private-1.0.0",
  );
  const url = `https://${host}/team`;
  const entry = {
    ...{ name: "private", vers: "1.0.0", deps: [], features: {}, yanked: false },
    cksum: createHash("sha256").update(crate).digest("hex"),
  };
  return registry(
    host,
    token,
    { "www-authenticate": 'Cargo login_url="https://x.org/me"' },
    {
      "/team/config.json": {
        type: JSON_TYPE,
        body: JSON.stringify({ dl: `${url}/crates`, api: url, "auth-required": true }),
      },
      "/team/pr/iv/private": { type: "text/plain", body: `${JSON.stringify(entry)}\n` },
      "/team/crates/private/1.0.0/download": { type: "application/gzip", body: crate },
    },
  );
}
