/**
 * Runs the simulated OTLP receiver.
 *   tsx main.ts [--cert FILE --key FILE] --listen 93.184.215.14 --port 443
 * With a certificate it speaks TLS. `GET /exports` returns what has arrived, `DELETE /exports` forgets it.
 */
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { parseArgs } from "node:util";
import { Receiver } from "./receiver.ts";

const { values } = parseArgs({
  options: {
    cert: { type: "string" },
    key: { type: "string" },
    listen: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "4318" },
  },
});
const { cert, key, listen, port } = values;

const { serve } = new Receiver();
const server =
  cert === undefined || key === undefined
    ? http.createServer(serve)
    : https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve);
server.listen(Number(port), listen);
