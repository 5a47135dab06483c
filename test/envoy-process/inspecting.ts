import { readFile } from "node:fs/promises";
import https from "node:https";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { pathPattern } from "../../components/gateway/inspect/paths.ts";
import type { InspectedHost } from "../../components/gateway/inspect/rules.ts";
import { labCa } from "../lab/parts/ca.ts";
import { type Response, read, responseOf } from "./client.ts";
import { terminate } from "./gateways.ts";

/** A public registry, read only. */
export const REGISTRY = "registry.example.com";

/** A private registry, whose credential the gateway adds. */
export const PRIVATE = "packages.example.com";

export const HOST_TOKEN = "host-token-0123456789";

const rule = (path: string, methods = ["GET", "HEAD"]) => ({
  methods,
  path: pathPattern(path),
  action: "request",
});

export const inspected: readonly InspectedHost[] = [
  {
    host: REGISTRY,
    rules: [
      rule("/simple"),
      rule("/@scope%2fname"),
      rule("/allowed/*"),
      rule("/upload/*", ["PUT"]),
      { ...rule("/query"), query: "service=a.b" },
    ],
    refusal: `${REGISTRY} is open for reading /allowed/ and /@scope%2fname`,
  },
  {
    host: PRIVATE,
    rules: [rule("/npm/*"), { ...rule("/only-f", ["POST"]), agents: ["dev-f"], action: "publish" }],
    credential: { name: "packages", kept: "stored", header: "authorization", prefix: "Bearer " },
    refusal: `${PRIVATE} is open for reading /npm/`,
  },
];

export const inspecting: EnvoyConfigArgs = { ...terminate, inspect: inspected };

/** What to send to an inspected host. */
export interface HostRequest {
  readonly method?: string;
  /** Sent as it is. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Host header. Default the server name. */
  readonly authority?: string;
}

/** One request by HTTP/1.1 with a client that trusts the lab's authority. */
export async function askHost(
  port: number,
  servername: string,
  { method = "GET", path = "/", headers = {}, body = "", authority }: HostRequest = {},
): Promise<Response> {
  const request = https.request({
    host: "127.0.0.1",
    port,
    servername,
    ca: trusted,
    agent: false,
    method,
    path,
    headers: {
      host: authority ?? servername,
      ...headers,
      ...(body.length > 0 && { "content-length": Buffer.byteLength(body) }),
    },
  });
  const response = responseOf(request);
  request.on("error", () => undefined);
  request.end(body);
  return read(await response);
}

export const trusted = await ca();

async function ca(): Promise<Buffer> {
  return readFile((await labCa()).certFile);
}
