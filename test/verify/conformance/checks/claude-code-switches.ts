import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { decoded, excerpt } from "./compare.ts";
import { headerOf, messagesRequest, newMarker, upstreamOf } from "./relay.ts";
import { failed, turn } from "./turn.ts";

const API_HOST = "api.anthropic.com";

/** A command that Claude Code does not run in auto mode without a check. It joins the marker from two halves. */
const joining = (half: string, rest: string) => `node --print "'${half}' + '${rest}'"`;

interface CheckingRequest {
  readonly stop_sequences?: readonly string[];
}

/** How many of a turn's requests let the model check a tool call. */
async function checksSeen(
  context: CheckContext,
  requests: Awaited<ReturnType<typeof turn>>["requests"],
): Promise<number> {
  let seen = 0;
  for (const { id, headers } of requests) {
    const body = decoded(headers, await upstreamOf(context).requestBody(id));
    const { stop_sequences: stops } = JSON.parse(body?.toString() ?? "{}") as CheckingRequest;
    if (stops?.includes("</severity>") === true) seen++;
  }
  return seen;
}

const autoMode: Check = {
  id: "claude-code.auto-mode",
  title: "In auto mode Claude Code runs a command after the model has checked it",
  protects:
    "Nobody can answer an unattended agent's questions. If the check of a tool call does not come through, Claude Code denies the call.",
  needs: ["claude", "upstream"],
  async run(context) {
    const marker = newMarker();
    const [half, rest] = [marker.slice(0, 10), marker.slice(10)];
    const { result, requests } = await turn(context, rest, {
      prompt: `run: ${joining(half, rest)}`,
      args: ["--permission-mode", "auto"],
    });
    if (result.is_error) return failed(result);
    if (!result.result.includes(marker)) return lost("denied", excerpt(result.result, 300));
    const seen = await checksSeen(context, requests);
    return seen > 0
      ? kept(`the command ran after ${seen} request that checked it`)
      : lost("unchecked", "the command ran, but the API got no request that checks it");
  },
};

const hints: Check = {
  id: "claude-code.gateway-hints",
  title: "Claude Code's own hints for gateways arrive",
  protects: "This checks what the current release sends with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1.",
  needs: ["claude", "upstream"],
  async run(context) {
    const { result, requests } = await turn(context, newMarker(), {
      env: { CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1" },
    });
    if (result.is_error) return failed(result);
    const seen = ["request-class", "prompt-id"].map(
      (name) =>
        [name, headerOf(requests[0]?.headers, `x-claude-code-${name}`)?.slice(0, 36)] as const,
    );
    const missing = seen.flatMap(([name, value]) => (value === undefined ? [name] : []));
    return missing.length === 0
      ? kept(seen.map(([name, value]) => `x-claude-code-${name}: ${value ?? ""}`).join("; "))
      : lost("changed", `missing: ${missing.join(", ")}`);
  },
};

const DISCOVERY = "/v1/models?limit=1000";

/** The ids in an answer to {@link DISCOVERY}; `undefined` if it is not a list of models. */
function modelsIn(body: Buffer): readonly string[] | undefined {
  try {
    const { data } = JSON.parse(body.toString()) as { data?: readonly { id: string }[] };
    return data?.map(({ id }) => id);
  } catch {
    return undefined;
  }
}

const modelDiscovery: Check = {
  id: "claude-code.model-discovery",
  title:
    "With model discovery on, Claude Code completes a turn, and gets the list if the route is open",
  protects:
    "Claude Code asks a gateway for its models (CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY). The route may be closed, but a turn must not fail or wait for it.",
  needs: ["claude", "upstream"],
  async run(context) {
    const upstream = upstreamOf(context);
    const since = (await upstream.records()).at(-1)?.id ?? 0;
    const { result } = await turn(context, newMarker(), {
      env: { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1" },
    });
    if (result.is_error) return failed(result);
    const asked = (await upstream.records(since)).filter(({ url }) => url === DISCOVERY);
    const { head, body } = await context.client.send(
      messagesRequest({ method: "GET", path: DISCOVERY, body: "" }),
    );
    const status = head?.status ?? 0;
    if (status === 404 && asked.length === 0)
      return kept("the route is closed (404); the turn completed");
    const models = modelsIn(body);
    if (status !== 200 || models === undefined || models.length === 0)
      return lost("not-listed", `${status || "no answer"} ${excerpt(body)}`);
    return asked.some(({ response }) => response?.status === 200)
      ? kept(`the API listed ${models.length} models to Claude Code; the turn completed`)
      : lost("not-asked", "the route is open, but the API got no request from Claude Code for it");
  },
};

/**
 * Claude Code compresses requests only for a base URL with the API's host name. Behind another one, the gateway is its HTTP
 * proxy in this check, so that it takes the gateway for the API.
 */
function compressing(baseUrl: string): Readonly<Record<string, string>> {
  const { hostname, origin, pathname } = new URL(baseUrl);
  return {
    CLAUDE_CODE_GZIP_REQUEST_BODIES: "1",
    ...(hostname !== API_HOST && {
      ANTHROPIC_BASE_URL: `http://${API_HOST}${pathname.replace(/\/$/, "")}`,
      HTTP_PROXY: origin,
    }),
  };
}

async function compressedTurn(context: CheckContext): Promise<Outcome> {
  const { result, requests } = await turn(context, newMarker(), {
    env: compressing(context.client.baseUrl),
  });
  if (result.is_error) return failed(result);
  const [request] = requests;
  if (request === undefined) return lost("changed", "the API got no readable request");
  const encoding = headerOf(request.headers, "content-encoding");
  return encoding === "gzip"
    ? kept(`the turn completed; the API got ${request.bodyBytes} bytes of gzip`)
    : lost("decompressed", `the turn completed, but the request arrived ${encoding ?? "plain"}`);
}

export const gzipRequest: Check = {
  id: "body.gzip-request",
  title: "Claude Code completes a turn with compressed requests, and they arrive compressed",
  protects:
    "Claude Code compresses its requests (CLAUDE_CODE_GZIP_REQUEST_BODIES). Long conversations are several times as large without it.",
  needs: ["claude", "upstream"],
  run: compressedTurn,
};

/** Turns of Claude Code with a switch that is off by default. */
export const switches: readonly Check[] = [autoMode, hints, modelDiscovery];
