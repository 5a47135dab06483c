/**
 * Replaces `gcloud` (528.0.0), because there is no Google Cloud here. It has the four commands that
 * infra/access runs, with their output and errors: `secrets versions access latest` prints what the lab's host
 * machine published last, `compute instances get-guest-attributes` what it reported last, and `compute start-iap-tunnel`
 * forwards a local port to the API server once k3s on the machine has started. `compute snapshots list` finds none, as on the
 * first day of a host. Other commands and flags are rejected.
 * Missing: sign-in, permissions except that to read secrets, and the WebSocket to Google inside a tunnel.
 */
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { World } from "../../lab/pulumi/gcp/world.ts";
import type { AskedRequest } from "../../lab/host/cloud.ts";
import { readRequests } from "../../lab/host/requests.ts";
import { type GcloudPlace, PLACE_VARIABLE } from "./gcloud-place.ts";

class GcloudError extends Error {}

const {
  world,
  machine,
  api,
  readsSecrets = true,
} = JSON.parse(process.env[PLACE_VARIABLE] ?? "{}") as GcloudPlace;
const resources = new World(world).existing;

function answered(part: string): AskedRequest[] {
  return readRequests(machine).filter(({ path, status }) => path.includes(part) && status === 200);
}

function mustExist(id: string): void {
  if (resources[id] !== undefined) return;
  throw new GcloudError(`Could not fetch resource:\n - The resource '${id}' was not found`);
}

function accessSecret(secret: string, project: string): string {
  const id = `projects/${project}/secrets/${secret}`;
  if (!readsSecrets) {
    throw new GcloudError(
      `PERMISSION_DENIED: Permission 'secretmanager.versions.access' denied for resource '${id}/versions/latest' (or it may not exist).`,
    );
  }
  const newest = resources[id] === undefined ? undefined : answered(`${id}:addVersion`).at(-1);
  if (newest === undefined) {
    throw new GcloudError(`NOT_FOUND: Secret [${id}] not found or has no versions.`);
  }
  const { payload } = JSON.parse(newest.body) as { payload: { data: string } };
  return Buffer.from(payload.data, "base64").toString();
}

function guestAttributes(instance: string, queryPath: string): string {
  mustExist(instance);
  const value = answered(`/guest-attributes/${queryPath}`).at(-1)?.body;
  if (value === undefined) {
    throw new GcloudError(
      `Could not fetch resource:\n - The resource '${queryPath}' of type 'Guest Attribute' was not found.`,
    );
  }
  const [namespace, key] = queryPath.split("/");
  return JSON.stringify([{ key, namespace, value }], null, 2);
}

/** Whether k3s runs on the machine, according to the last report of its startup script. */
function apiListens(): boolean {
  return /^start\tok\t/m.test(answered("/guest-attributes/").at(-1)?.body ?? "");
}

async function tunnel(instance: string, port: number, local: string): Promise<Server> {
  mustExist(instance);
  const [host = "", localPort = ""] = local.split(":");
  const server = createServer((socket) => {
    const backend = connect(api.port, api.host);
    socket.pipe(backend).pipe(socket);
    for (const [one, other] of [[socket, backend] as const, [backend, socket] as const]) {
      one.on("error", () => other.destroy());
    }
  });
  server.listen(Number(localPort), host);
  await once(server, "listening").catch(() => {
    throw new GcloudError(`Local port [${localPort}] is not available.`);
  });
  process.stderr.write("Testing if tunnel connection works.\n");
  if (port !== 6443 || !apiListens()) {
    throw new GcloudError(
      "While checking if a connection can be made: Error while connecting " +
        `[4003: 'failed to connect to backend']. (Failed to connect to port ${port})`,
    );
  }
  process.stdout.write(`Listening on port [${localPort}].\n`);
  return server;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: Object.fromEntries(
      [
        ...["project", "zone", "secret", "query-path", "format", "local-host-port"],
        ...["filter", "sort-by", "limit"],
      ].map((name) => [name, { type: "string" as const }]),
    ),
    allowPositionals: true,
  });
  const flag = (name: string): string => {
    const value = values[name];
    if (typeof value !== "string") throw new GcloudError(`argument --${name}: Must be specified.`);
    return value;
  };
  const instance = (name = ""): string =>
    join("projects", flag("project"), "zones", flag("zone"), "instances", name);
  const command = positionals.join(" ");
  const [, , name, port] = positionals;
  if (command === "secrets versions access latest") {
    process.stdout.write(accessSecret(flag("secret"), flag("project")));
  } else if (/^compute instances get-guest-attributes \S+$/.test(command)) {
    if (flag("format") !== "json") throw new GcloudError("--format: only json is simulated");
    process.stdout.write(guestAttributes(instance(port), flag("query-path")));
  } else if (command === "compute snapshots list") {
    if (!/^labels\.[\w-]+=[\w-]+$/.test(flag("filter")) || flag("format") !== "json")
      throw new GcloudError("--filter, --format: only a label and json are simulated");
    process.stdout.write("[]");
  } else if (/^compute start-iap-tunnel \S+ \d+$/.test(command)) {
    const server = await tunnel(instance(name), Number(port), flag("local-host-port"));
    process.once("SIGINT", () => {
      server.close();
      process.stderr.write("Server shutdown complete.\n");
      process.exit(0);
    });
  } else {
    throw new GcloudError(`Invalid choice: '${command}'.`);
  }
}

await main().catch((error: unknown) => {
  const command = process.argv.slice(2).filter((one) => !one.startsWith("-"));
  const group = command.slice(0, command[0] === "compute" && command[1] !== "instances" ? 2 : 3);
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`ERROR: (gcloud.${group.join(".")}) ${message}\n`);
  process.exit(error instanceof GcloudError ? 1 : 2);
});
