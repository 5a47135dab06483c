/**
 * Simulates github.com and npm.pkg.github.com: serves files over TLS, which is what clients need for a git repository
 * (dumb HTTP protocol) and for a package registry. Everything that needs a program on the server, such as pushes and
 * searches, is missing and gets a 404.
 *   tsx main.ts --cert FILE --key FILE --root FOLDER --listen 140.82.112.3 [--listen …]
 * The folder contains one folder per host name. SIGTERM ends the process.
 */
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:https";
import { join, normalize } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    cert: { type: "string" },
    key: { type: "string" },
    root: { type: "string" },
    listen: { type: "string", multiple: true, default: [] },
  },
});
const { cert = "", key = "", root = "" } = values;

for (const address of values.listen) {
  createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "https://host");
    const file = join(root, request.headers.host ?? "", normalize(decodeURIComponent(pathname)));
    const found = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (request.method !== "GET" || !found) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200);
    createReadStream(file).pipe(response);
  }).listen(443, address);
}
