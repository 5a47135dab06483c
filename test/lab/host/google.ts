/**
 * Runs google-services.ts and the release downloads of GitHub in the namespace `internet` of a host:
 *   tsx google.ts FOLDER CERTIFICATE KEY
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";

import { googleServices } from "./google-services.ts";

const [dir = "", certFile = "", keyFile = ""] = process.argv.slice(2);
const { metadata, tls } = googleServices(dir);

const keys = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
const listening = [
  createServer(metadata).listen(80, "169.254.169.254"),
  createTlsServer(keys, tls).listen(443, "198.51.100.10"),
  // Servers that only need to be reachable or not: our resolver, another resolver, and an unlisted host.
  ...(["169.254.169.254:53", "8.8.8.8:53", "104.16.0.35:443", "104.16.0.35:22"] as const).map(
    (address) => {
      const [host, port] = address.split(":");
      return createTcpServer((socket) => socket.end()).listen(Number(port), host);
    },
  ),
];
await Promise.all(
  listening.map((server) => new Promise((resolve) => server.once("listening", resolve))),
);
process.stdout.write("ready\n");
