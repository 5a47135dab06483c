import type { Turn } from "../../../lab/claude.ts";
import { type Check, type CheckContext, kept, lost } from "./check.ts";
import { excerpt, quoted } from "./compare.ts";
import { headerOf, newMarker } from "./relay.ts";
import { switches } from "./claude-code-switches.ts";
import { failed, turn } from "./turn.ts";

function tokens({ usage }: Turn): string {
  return `${usage.cache_creation_input_tokens} tokens written to the cache, ${usage.cache_read_input_tokens} read`;
}

/** Two turns of one session. Several checks use them. */
interface Session {
  readonly marker: string;
  readonly first: Awaited<ReturnType<typeof turn>>;
  readonly second: Awaited<ReturnType<typeof turn>> | undefined;
}

const sessions = new WeakMap<CheckContext, Promise<Session>>();

function session(context: CheckContext): Promise<Session> {
  const known = sessions.get(context);
  if (known !== undefined) return known;
  const started = twoTurns(context);
  sessions.set(context, started);
  return started;
}

async function twoTurns(context: CheckContext): Promise<Session> {
  const marker = newMarker();
  const first = await turn(context, marker);
  if (first.result.is_error) return { marker, first, second: undefined };
  const resume = first.result.session_id;
  return { marker, first, second: await turn(context, marker, { resume, prompt: "And before?" }) };
}

const completes: Check = {
  id: "claude-code.turn",
  title: "Claude Code completes a turn",
  protects: "This is what the gateway is for.",
  needs: ["claude"],
  async run(context) {
    const { marker, first } = await session(context);
    const { result } = first;
    if (result.is_error) return failed(result);
    return result.result.includes(marker)
      ? kept(`answer ${quoted(result.result.slice(0, 40))}`)
      : lost("other-answer", excerpt(result.result));
  },
};

const resumes: Check = {
  id: "claude-code.resume",
  title: "--resume continues the same conversation",
  protects:
    "A restarted agent resumes its session: it sends the whole conversation again, including thinking and tool calls.",
  needs: ["claude"],
  async run(context) {
    const { first, second } = await session(context);
    if (second === undefined) return failed(first.result);
    if (second.result.is_error) return failed(second.result);
    if (second.result.session_id !== first.result.session_id) {
      return lost("new-session", "turn 2 has another session id");
    }
    // Turn 2's prompt does not contain the marker, so a request with the marker contains turn 1.
    const remembered =
      context.upstream === undefined
        ? second.result.usage.cache_read_input_tokens > 0
        : second.requests.length > 0;
    return remembered
      ? kept("turn 2 of the same session was sent with turn 1")
      : lost("forgotten", "turn 2 was sent without turn 1");
  },
};

const caches: Check = {
  id: "claude-code.cache",
  title: "Claude Code's second turn reads what its first turn wrote to the cache",
  protects: "The real client's prompt, tools and cache_control are cached, which costs a tenth.",
  needs: ["claude"],
  async run(context) {
    const { first, second } = await session(context);
    if (second === undefined) return failed(first.result);
    const seen = `turn 1: ${tokens(first.result)}; turn 2: ${tokens(second.result)}`;
    return second.result.usage.cache_read_input_tokens > 0 ? kept(seen) : lost("not-read", seen);
  },
};

const usesTools: Check = {
  id: "claude-code.tool",
  title: "Claude Code runs the command that the model requests, and returns its output",
  protects:
    "A tool call needs ids, inputs and results to pass both ways. Without tool calls an agent can do nothing.",
  needs: ["claude", "upstream"],
  async run(context) {
    const marker = newMarker();
    // The command joins the marker from two halves, so the whole marker can only be output of the command.
    const [half, rest] = [marker.slice(0, 10), marker.slice(10)];
    const { result } = await turn(context, half, {
      prompt: `run: printf %s%s ${half} ${rest}`,
      args: ["--allowedTools", "Bash"],
    });
    if (result.is_error) return failed(result);
    return result.result.includes(marker)
      ? kept(`the command ran in the agent's pod and printed ${marker}`)
      : lost("not-run", excerpt(result.result));
  },
};

/** A turn whose first requests are answered with an error, after which Claude Code waits and retries. */
function retries(status: number, headers: [string, string][], title: string): Check {
  return {
    id: `claude-code.retries-${status}`,
    title,
    protects:
      "Overload and rate limits are temporary. An agent that gives up on them needs a person to restart it.",
    needs: ["claude", "upstream"],
    async run(context) {
      const marker = newMarker();
      const { result, requests } = await turn(
        context,
        marker,
        {},
        {
          times: 2,
          action: { kind: "error", status, headers },
        },
      );
      const answers = requests.map(({ response }) => response?.status ?? 0).join(", ");
      if (result.is_error)
        return lost("turn-failed", `answers of the API: ${answers}; ${excerpt(result.result)}`);
      return answers === `${status}, ${status}, 200`
        ? kept(`answers of the API: ${answers}; the turn completed`)
        : lost("other-retries", `answers of the API: ${answers}`);
    },
  };
}

/** A turn that is answered with an error for which a retry is useless. */
function stops(status: number, title: string, protects: string): Check {
  return {
    id: `claude-code.stops-${status}`,
    title,
    protects,
    needs: ["claude", "upstream"],
    async run(context) {
      const marker = newMarker();
      const { result, requests } = await turn(
        context,
        marker,
        {},
        {
          times: null,
          action: { kind: "error", status, headers: [["x-should-retry", "false"]] },
        },
      );
      const seen = `the API got ${requests.length} requests; the turn ended with ${excerpt(result.result)}`;
      if (!result.is_error) return lost("no-error", seen);
      return requests.length === 1 ? kept(seen) : lost("repeated", seen);
    },
  };
}

const asks: Check = {
  id: "claude-code.request",
  title: "Claude Code's own request arrives with its beta headers, session header and query",
  protects:
    "What the real client sends changes with each release; this checks the current release.",
  needs: ["claude", "upstream"],
  async run(context) {
    const { first } = await session(context);
    const [request] = first.requests;
    if (request === undefined) return failed(first.result);
    const betas = headerOf(request.headers, "anthropic-beta")?.split(",").length ?? 0;
    const named = headerOf(request.headers, "x-claude-code-session-id");
    const seen = `${request.url}, ${betas} betas, session ${named === undefined ? "missing" : "named"}`;
    return request.url === "/v1/messages?beta=true" &&
      betas > 0 &&
      named === first.result.session_id
      ? kept(seen)
      : lost("changed", seen);
  },
};

export const claudeCode: readonly Check[] = [
  completes,
  resumes,
  caches,
  usesTools,
  asks,
  retries(
    529,
    [["x-should-retry", "true"]],
    "Claude Code retries while the API is overloaded (529)",
  ),
  retries(
    429,
    [
      ["x-should-retry", "true"],
      ["retry-after", "1"],
    ],
    "Claude Code waits as long as retry-after says after a rate limit (429)",
  ),
  stops(
    401,
    "Claude Code stops at once on a rejected credential (401)",
    "Only a person can fix this; ten retries would only delay the message.",
  ),
  stops(
    403,
    "Claude Code stops at once on a missing permission (403)",
    "Only a person can fix this; ten retries would only delay the message.",
  ),
  ...switches,
];
