/**
 * Simulates GitHub's hosts (see github/github.ts) and npm.pkg.github.com: serves files over TLS, which is what clients need for a
 * package registry. Searches and the like are missing and get a 404. What is below a scope (`@…`) is only for who shows the
 * bearer token, as in a registry.
 *   tsx main.ts --cert FILE --key FILE --root FOLDER --token TOKEN --app-key FILE --control SOCKET --listen 140.82.112.3 …
 * The folder contains one folder per host name. SIGTERM ends the process.
 */
import { createPublicKey } from "node:crypto";
import { createReadStream, readFileSync, rmSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { controlServer } from "./github/control.ts";
import { Github, GITHUB_HOSTS } from "./github/github.ts";
import { addLabRepositories, labApp } from "./github/lab-world.ts";
import { serveGithub } from "./github/serve.ts";

const { values } = parseArgs({
  options: {
    cert: { type: "string", default: "" },
    key: { type: "string", default: "" },
    root: { type: "string", default: "" },
    token: { type: "string", default: "" },
    "app-key": { type: "string", default: "" },
    control: { type: "string", default: "" },
    listen: { type: "string", multiple: true, default: [] },
  },
});

const github = new Github({
  root: join(values.root, "github"),
  app: labApp(createPublicKey(readFileSync(values["app-key"]))),
});
await addLabRepositories(github);

const tls = { cert: readFileSync(values.cert), key: readFileSync(values.key) };
for (const address of values.listen) {
  createServer(tls, (request, response) => {
    if (GITHUB_HOSTS.some((host) => host === request.headers.host)) {
      serveGithub(github, request, response).catch(() => request.socket.destroy());
    } else {
      serveFile(request, response);
    }
  }).listen(443, address);
}
// Last: who can connect to it finds the servers ready.
rmSync(values.control, { force: true });
controlServer(github).listen(values.control);

function serveFile(request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "https://host");
  const path = normalize(decodeURIComponent(pathname));
  const file = join(values.root, request.headers.host ?? "", path);
  if (path.startsWith("/@") && request.headers.authorization !== `Bearer ${values.token}`) {
    response.writeHead(401).end();
    return;
  }
  const found = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
  if (request.method !== "GET" || !found) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200);
  createReadStream(file).pipe(response);
}
