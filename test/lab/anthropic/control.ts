/**
 * The control API: HTTP and JSON on a unix socket, so clients of the data ports cannot reach it.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";

import { z } from "zod";

import type { Connections } from "./connections.ts";
import { Script } from "./scripts.ts";
import type { State } from "./state.ts";

const Credentials = z.strictObject({ credentials: z.array(z.string().min(1)) });
const Recording = z.strictObject({ enabled: z.boolean() });
const FederationRules = z.array(
  z.strictObject({
    id: z.string().min(1),
    organization: z.string().min(1),
    serviceAccount: z.string().min(1),
    workspaces: z.array(z.string().min(1)).min(1),
    issuer: z.string().min(1),
    keys: z.array(z.looseObject({ kty: z.string() })).min(1),
    subject: z.string().min(1),
    audience: z.string().min(1),
    lifetimeSeconds: z.int().min(60).max(86_400),
    maxAssertionSeconds: z.int().min(1),
  }),
);
const Clock = z.strictObject({ advanceSeconds: z.number().min(0) });

class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function readJson<Schema extends z.ZodType>(
  request: IncomingMessage,
  schema: Schema,
): Promise<z.output<Schema>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new ControlError(400, `the body is not JSON: ${(error as Error).message}`);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}

function recordBytes(state: State, id: string, part: string): Buffer {
  const record = state.records.get(Number(id));
  if (record === undefined)
    throw new ControlError(404, `no record ${id}: it was cleared or never existed`);
  if (part === "request") return record.body;
  return Buffer.concat((record.response?.frames ?? []).map(({ bytes }) => bytes));
}

async function handle(
  request: IncomingMessage,
  state: State,
  connections: Connections,
): Promise<unknown> {
  const url = new URL(request.url ?? "/", "http://control");
  const [, collection = "", name = "", part = ""] = url.pathname.split("/");
  switch (`${request.method ?? ""} ${collection}`) {
    case "GET health":
      return {
        ready: true,
        pid: process.pid,
        recording: state.records.enabled,
        records: state.records.size,
        scripts: state.scripts.list().length,
      };
    case "GET records":
      if (name !== "") return recordBytes(state, name, part);
      return state.records.list(Number(url.searchParams.get("after") ?? 0));
    case "DELETE records":
      state.records.clear();
      return {};
    case "PUT recording":
      state.records.enabled = (await readJson(request, Recording)).enabled;
      return {};
    case "POST scripts":
      return { ids: state.scripts.push(await readJson(request, z.array(Script))) };
    case "GET scripts":
      return state.scripts.list();
    case "DELETE scripts":
      state.scripts.clear();
      return {};
    case "PUT credentials":
      state.credentials.replace((await readJson(request, Credentials)).credentials);
      return {};
    case "PUT federation":
      state.federationRules.splice(0, Infinity, ...(await readJson(request, FederationRules)));
      return {};
    case "GET federation":
      return { events: state.tokens.events };
    case "POST gates":
      state.gates.open(decodeURIComponent(name));
      return {};
    case "DELETE connections":
      return { reset: connections.resetIdle() };
    case "POST clock":
      state.advanceClock((await readJson(request, Clock)).advanceSeconds * 1000);
      return {};
    case "DELETE cache":
      state.cache.clear();
      return {};
    case "POST reset":
      state.reset();
      return {};
    default:
      throw new ControlError(404, `no control route ${request.method ?? ""} ${url.pathname}`);
  }
}

/** A server for the control API of `state` and `connections`. The caller calls `listen`. */
export function controlServer(state: State, connections: Connections): Server {
  return createServer((request, response) => {
    handle(request, state, connections)
      .then((value) => {
        const binary = Buffer.isBuffer(value);
        response.writeHead(200, {
          "content-type": binary ? "application/octet-stream" : "application/json",
        });
        response.end(binary ? value : JSON.stringify(value));
      })
      .catch((error: unknown) => {
        response.writeHead(error instanceof ControlError ? error.status : 500, {
          "content-type": "application/json",
        });
        response.end(JSON.stringify({ error: (error as Error).message }));
      });
  });
}
