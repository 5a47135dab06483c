/**
 * Runs in `internet` what the kubelet's credential provider asks, and Artifact Registry's front:
 *   tsx main.ts FOLDER PORT
 * The folder has `cloud.json` and `readable.json`, and the certificates. SIGTERM ends the process.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { INTERNET_HOSTS, METADATA } from "../cluster/network.ts";
import { ACCESS_TOKEN, googleServices } from "../host/google-services.ts";
import { artifactRegistry } from "./artifact-registry.ts";
import { ARTIFACT_HOST, SECRET_MANAGER_HOST } from "./places.ts";

const [dir = "", port = ""] = process.argv.slice(2);
const google = googleServices(dir);
const tls = {
  cert: readFileSync(join(dir, "google.pem")),
  key: readFileSync(join(dir, "google.key")),
};
const front = artifactRegistry({
  host: ARTIFACT_HOST,
  backend: Number(port),
  certFile: join(dir, "issuer.pem"),
  keyFile: join(dir, "issuer.key"),
  accessToken: ACCESS_TOKEN,
  readable: () => JSON.parse(readFileSync(join(dir, "readable.json"), "utf8")) as string[],
});
createServer(google.metadata).listen(80, METADATA);
createTlsServer(tls, google.tls).listen(443, INTERNET_HOSTS[SECRET_MANAGER_HOST]);
createTlsServer(tls, front).listen(443, INTERNET_HOSTS[ARTIFACT_HOST]);
