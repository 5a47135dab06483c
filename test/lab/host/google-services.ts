/**
 * Simulates what a host talks to at Google Cloud and GitHub: the metadata server (attributes with `wait_for_change`, the
 * service account's token, guest attributes), Secret Manager (access, add, list and destroy versions, with the errors for a missing
 * grant or secret) and release downloads (with a redirect). It reads `cloud.json` at
 * each request and appends requests to `requests.jsonl`.
 */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  createReadStream,
  existsSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { type AskedRequest, type Cloud, SECRET_ROLES } from "./cloud.ts";

/** The access token of the machine's account. */
export const ACCESS_TOKEN = "ya29.lab-access-token";
const ASSET_HOST = "release-assets.githubusercontent.com";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => Promise<void>;

function answer(response: ServerResponse, status: number, body: string | object): void {
  response.writeHead(status);
  response.end(typeof body === "string" ? body : JSON.stringify(body, null, 2));
}

function error(status: number, message: string): object {
  return { error: { code: status, message } };
}

/** The real service names versions by the project's number. */
const PROJECT_NUMBER = "271828182845";

type VersionState = "ENABLED" | "DESTROYED";

/** The services, as listeners of HTTP servers. They answer from the folder, in which they also keep their state. */
export function googleServices(dir: string) {
  const cloud = (): Cloud => JSON.parse(readFileSync(join(dir, "cloud.json"), "utf8")) as Cloud;
  const refusals = new Map<string, number>();

  /** Logs the request with the status of its answer, and handles it. */
  function logged(handler: Handler) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      void (async () => {
        const body = await text(request);
        response.on("close", () => {
          const entry: AskedRequest = {
            method: request.method ?? "",
            host: request.headers.host ?? "",
            path: request.url ?? "",
            status: response.statusCode,
            body,
          };
          appendFileSync(join(dir, "requests.jsonl"), `${JSON.stringify(entry)}\n`);
        });
        await handler(request, response, body);
      })();
    };
  }

  const metadata: Handler = async (request, response, body) => {
    if (request.headers["metadata-flavor"] !== "Google" || "x-forwarded-for" in request.headers) {
      answer(response, 403, "Missing Metadata-Flavor:Google header.");
      return;
    }
    const url = new URL(request.url ?? "", "http://metadata");
    const path = url.pathname.replace(/^\/computeMetadata\/v1\//, "");
    if (path === "instance/service-accounts/default/token" && cloud().account !== false) {
      answer(response, 200, { access_token: ACCESS_TOKEN, expires_in: 3599, token_type: "Bearer" });
    } else if (path.startsWith("instance/guest-attributes/") && request.method === "PUT") {
      const enabled = cloud().attributes["enable-guest-attributes"] === "TRUE";
      answer(response, enabled && body !== "" ? 200 : 403, "");
    } else if (path.startsWith("instance/attributes/")) {
      const key = path.slice("instance/attributes/".length);
      const etag = (): string =>
        createHash("sha256")
          .update(cloud().attributes[key] ?? "")
          .digest("hex")
          .slice(0, 16);
      const until = Date.now() + Number(url.searchParams.get("timeout_sec") ?? 0) * 1000;
      if (url.searchParams.get("wait_for_change") === "true") {
        while (etag() === url.searchParams.get("last_etag") && Date.now() < until) await sleep(50);
      }
      const value = cloud().attributes[key];
      response.setHeader("ETag", etag());
      answer(response, value === undefined ? 404 : 200, value ?? "not found");
    } else {
      answer(response, 404, "not found");
    }
  };

  /** The states of the versions that the machine added to a secret, version 1 first. They outlive the machine's boots. */
  const versionsFile = (id: string) => join(dir, `versions-${id}.json`);

  function versionsOf(id: string): VersionState[] {
    const file = versionsFile(id);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as VersionState[]) : [];
  }

  function keepVersions(id: string, states: readonly VersionState[]): void {
    writeFileSync(versionsFile(id), JSON.stringify(states));
  }

  const secretManager: Handler = (request, response, body) => {
    const [, project = "", id = "", version, verb = "list"] =
      /^\/v1\/projects\/([^/]+)\/secrets\/([^/:]+)(?:\/versions(?:\/(\w+))?)?(?::(\w+))?$/.exec(
        request.url ?? "",
      ) ?? [];
    const name =
      Object.keys(cloud().secrets).find(
        (each) =>
          each === `projects/${project}/secrets/${id}` ||
          (project === PROJECT_NUMBER && each.endsWith(`/secrets/${id}`)),
      ) ?? `projects/${project}/secrets/${id}`;
    const secret = cloud().secrets[name];
    const allowed: readonly string[] =
      secret?.grant === undefined ? [] : SECRET_ROLES[secret.grant];
    const refused = refusals.get(name) ?? 0;
    refusals.set(name, refused + 1);
    const states = versionsOf(id);
    const versionName = (index: number) =>
      `projects/${PROJECT_NUMBER}/secrets/${id}/versions/${index + 1}`;
    if (request.headers.authorization !== `Bearer ${ACCESS_TOKEN}`) {
      answer(response, 401, error(401, "Request had invalid authentication credentials."));
    } else if (!allowed.includes(verb) || refused < (secret?.refusals ?? 0)) {
      answer(
        response,
        403,
        error(403, `Permission denied on resource ${name} (or it may not exist).`),
      );
    } else if (verb === "access") {
      if (secret?.value === undefined) {
        answer(response, 404, error(404, `Secret [${name}] not found or has no versions.`));
      } else {
        const data = Buffer.from(secret.value).toString("base64");
        answer(response, 200, { name: versionName(0), payload: { data } });
      }
    } else if (verb === "list") {
      const listed = states.map((state, index) => ({ name: versionName(index), state })).reverse();
      answer(response, 200, { versions: listed, totalSize: listed.length });
    } else if (verb === "destroy") {
      const index = Number(version) - 1;
      if (request.method !== "POST" || states[index] === undefined) {
        answer(response, 404, error(404, `Secret Version [${version}] not found.`));
      } else if (states[index] === "DESTROYED") {
        answer(response, 400, error(400, `[${versionName(index)}] is in DESTROYED state.`));
      } else {
        keepVersions(id, states.with(index, "DESTROYED"));
        answer(response, 200, { name: versionName(index), state: "DESTROYED" });
      }
    } else {
      const { payload } = JSON.parse(body) as { payload?: { data?: string } };
      if (payload?.data === undefined) answer(response, 400, error(400, "payload.data is missing"));
      else {
        keepVersions(id, [...states, "ENABLED"]);
        answer(response, 200, { name: versionName(states.length), state: "ENABLED" });
      }
    }
    return Promise.resolve();
  };

  const releases: Handler = (request, response) => {
    const [, version = "", asset] =
      /^\/k3s-io\/k3s\/releases\/download\/([^/]+)\/([^/]+)$/.exec(request.url ?? "") ?? [];
    const release = cloud().releases[decodeURIComponent(version)];
    if (release === undefined || version.includes("+") || asset !== "k3s") {
      answer(response, 404, "Not Found");
    } else if (request.headers.host !== ASSET_HOST) {
      response.setHeader("Location", `https://${ASSET_HOST}${request.url ?? ""}`);
      answer(response, 302, "");
    } else {
      const { size } = statSync(release.file);
      response.writeHead(200, { "Content-Length": size });
      const stream = createReadStream(release.file, release.truncated ? { end: size >> 1 } : {});
      stream.on("data", (chunk) => response.write(chunk));
      stream.on("end", () => {
        if (release.truncated) response.socket?.end();
        else response.end();
      });
    }
    return Promise.resolve();
  };

  /** Google's package repository, if a test has published something there. */
  const packages = (request: IncomingMessage, response: ServerResponse): void => {
    const [, path = ""] =
      /^\/apt\/((?:[\w.~-]+\/)*[\w.~-]+)$/.exec(decodeURIComponent(request.url ?? "")) ?? [];
    const file = join(dir, "apt", path);
    if (path === "" || path.includes("..") || !existsSync(file)) answer(response, 404, "Not Found");
    else response.end(readFileSync(file));
  };

  const tls: Handler = async (request, response, body) => {
    const { host = "" } = request.headers;
    const google = host === "secretmanager.googleapis.com";
    if (host === "packages.cloud.google.com") packages(request, response);
    else await (google ? secretManager : releases)(request, response, body);
  };

  return { metadata: logged(metadata), tls: logged(tls) };
}
