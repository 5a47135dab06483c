import type { HeaderPair } from "../client/raw-client.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { excerpt, judgeOwnError, quoted } from "./compare.ts";
import {
  conversation,
  headerOf,
  lastRecord,
  messagesRequest,
  newMarker,
  openScripted,
  relay,
  seenUpstream,
  type Sent,
} from "./relay.ts";

const WRONG_TOKEN = "wrong-token-0123456789abcdef";

/** Sends a request that the gateway itself must refuse, and checks that the upstream got nothing. */
async function refused(
  context: CheckContext,
  marker: string,
  sent: Sent,
  accepted: readonly (readonly [status: number, type: string])[],
): Promise<Outcome> {
  const { upstream, client } = context;
  const since = upstream === undefined ? 0 : await lastRecord(upstream);
  const response = await client.send(messagesRequest(sent));
  if (upstream !== undefined) {
    const { requests } = await seenUpstream(upstream, since, marker);
    if (requests > 0) return lost("came-through", "the upstream got the request");
  }
  return judgeOwnError(response, accepted);
}

function credentialCheck(name: string, title: string, credential: readonly HeaderPair[]): Check {
  return {
    id: `own-errors.${name}`,
    title,
    protects:
      "Claude Code stops on a 401 authentication_error and says why. Any other answer to a bad token looks like a temporary failure.",
    needs: [],
    run(context) {
      const marker = newMarker();
      return refused(context, marker, { body: conversation(marker), credential }, [
        [401, "authentication_error"],
      ]);
    },
  };
}

function accepts(name: string, title: string, credential: readonly HeaderPair[]): Check {
  return {
    id: `own-errors.${name}`,
    title,
    protects:
      "ANTHROPIC_AUTH_TOKEN, ANTHROPIC_API_KEY and apiKeyHelper make Claude Code send one header, the other, or both.",
    needs: [],
    async run({ client }) {
      const marker = newMarker();
      const { head, body } = await client.send(
        messagesRequest({ body: conversation(marker), credential }),
      );
      return head?.status === 200
        ? kept(`200 with ${credential.map(([header]) => header).join(" and ")}`)
        : lost("refused", `${head?.status ?? "no answer"} ${excerpt(body)}`);
    },
  };
}

function closedRoute(name: string, title: string, method: string, path: string): Check {
  return {
    id: `own-errors.${name}`,
    title,
    protects:
      "The real credential gives access to the whole API: files, batches, keys. Agents may use only the message routes.",
    needs: [],
    run(context) {
      const marker = newMarker();
      const sent = {
        method,
        path: `${path}?marker=${marker}`,
        body: method === "POST" ? conversation(marker) : "",
      };
      return refused(context, marker, sent, [
        [404, "not_found_error"],
        [405, "not_found_error"],
        [405, "invalid_request_error"],
      ]);
    },
  };
}

const noBreach: Check = {
  id: "own-errors.other-paths",
  title: "No spelling of a path bypasses the list of open routes",
  protects: "Encoded slashes and dot segments are the usual ways to bypass a list of routes.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const { client, upstream } = context;
    if (upstream === undefined) throw new Error("needs the fake upstream");
    const since = await lastRecord(upstream);
    const paths = [
      "/v1/messages/../files",
      "/v1/messages/%2e%2e/files",
      "/v1/messages/..%2ffiles",
      "//v1/files",
      "/v1/./files",
      "/v1/messages%2f..%2ffiles",
      "/v1/messages;/../files",
      "/../v1/files",
    ];
    const statuses: number[] = [];
    for (const path of paths) {
      const { head } = await client.send(
        messagesRequest({ path: `${path}?marker=${marker}`, body: conversation(marker) }),
      );
      if (head === undefined) return lost("no-answer", `${path} was not answered`);
      statuses.push(head.status);
    }
    for (const { id, url } of await upstream.records(since)) {
      const ours = url.includes(marker) || (await upstream.requestBody(id)).includes(marker);
      if (ours && url.split("?")[0] !== "/v1/messages")
        return lost("came-through", `the upstream got a request for ${url}`);
    }
    return kept(
      `${paths.length} spellings, answered ${statuses.join(", ")}; none reached another route`,
    );
  },
};

const swapped: Check = {
  id: "own-errors.credential-swapped",
  title: "The upstream gets the gateway's credential and never the agent's token",
  protects:
    "An agent's token that reaches the API ends up in another party's logs. A real key that an agent can read can be stolen by prompt injection.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const body = conversation(marker);
    // Agents may send their token in both headers at once.
    const credential: HeaderPair[] = [
      ["Authorization", "Bearer {credential}"],
      ["x-api-key", "{credential}"],
    ];
    const { record, response } = await relay(context, marker, { body, credential });
    if (record === undefined) {
      return lost("refused", `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`);
    }
    const presented = ["authorization", "x-api-key"].filter(
      (name) => headerOf(record.headers, name) !== undefined,
    );
    // The fake API rejects unknown credentials, so a single accepted header is the gateway's own.
    if (presented.length !== 1)
      return lost("leaked", `the upstream got ${presented.join(" and ")}`);
    if (response.head?.status !== 200) {
      return lost("leaked", `the upstream rejected the credential: ${excerpt(response.body)}`);
    }
    return kept(`the upstream got one credential, in ${presented[0] ?? ""}, and accepted it`);
  },
};

const unreachable: Check = {
  id: "own-errors.upstream-reset",
  title: "A broken connection to the API becomes an error that Claude Code retries",
  protects:
    "Claude Code retries a 5xx in Anthropic's error format. An answer that looks like a client error ends the turn.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const { exchange } = await openScripted(context, marker, { kind: "reset", after: "request" });
    const response = await exchange.response;
    const outcome = judgeOwnError(response, [
      [502, "api_error"],
      [503, "api_error"],
      [504, "timeout_error"],
    ]);
    if (!outcome.kept) return outcome;
    const retry = headerOf(response.head?.headers, "x-should-retry");
    return retry === "true"
      ? kept(`${outcome.evidence}, x-should-retry: true`)
      : lost("no-retry-header", `${outcome.evidence}, x-should-retry: ${retry ?? "missing"}`);
  },
};

const malformed: Check = {
  id: "own-errors.malformed",
  title: "A body that is not JSON is refused in Anthropic's error format",
  protects:
    "Claude Code must be able to show the error. It cannot show an error page of the gateway's framework.",
  needs: [],
  async run({ client }) {
    const response = await client.send(messagesRequest({ body: '{"model": ' }));
    return judgeOwnError(response, [[400, "invalid_request_error"]]);
  },
};

/** Checks that a HEAD request is answered or refused, and not with a redirect or a server error. */
function head(
  name: string,
  title: string,
  protects: string,
  pathOf: (baseUrl: string) => string,
  relays: "may relay" | "never relays",
): Check {
  return {
    id: `own-errors.${name}`,
    title,
    protects,
    needs: [],
    async run({ client, upstream }) {
      const marker = newMarker();
      const since = upstream === undefined ? 0 : await lastRecord(upstream);
      const path = `${pathOf(client.baseUrl)}?marker=${marker}`;
      const { head, ended } = await client.send(
        messagesRequest({ method: "HEAD", path, body: "" }),
      );
      if (head === undefined)
        return lost("no-answer", `the connection ended with ${quoted(ended)}`);
      const seen = `status ${head.status}`;
      if (head.status >= 500)
        return lost("server-error", `${seen}, which is a server error and not a refusal`);
      if (head.status >= 300 && head.status < 400)
        return lost("redirect", `${seen}, a redirect, which counts as a failure`);
      if (relays === "may relay" || upstream === undefined) return kept(seen);
      const { requests } = await seenUpstream(upstream, since, marker);
      return requests === 0
        ? kept(`${seen}; the API got nothing`)
        : lost("came-through", "the upstream got the request");
    },
  };
}

const hello = head(
  "hello",
  "The connection warm-up is answered or refused at once",
  "Claude Code opens its connection early with HEAD /api/hello. The gateway may refuse it, but must answer.",
  () => "/api/hello",
  "may relay",
);

const headBaseUrl = head(
  "head-base-url",
  "HEAD of the base URL is answered or refused at once, by the gateway itself",
  "Some clients try a base URL with HEAD before they use it. An answer that comes late, or a redirect, looks like a broken gateway.",
  (baseUrl) => (new URL(baseUrl).pathname === "/" ? "/" : ""),
  "never relays",
);

export const ownErrors: readonly Check[] = [
  credentialCheck("no-token", "A request without a token is refused as the API would", []),
  credentialCheck("wrong-bearer", "A wrong bearer token is refused as the API would", [
    ["Authorization", `Bearer ${WRONG_TOKEN}`],
  ]),
  credentialCheck("wrong-api-key", "A wrong x-api-key is refused as the API would", [
    ["x-api-key", WRONG_TOKEN],
  ]),
  accepts("accepts-bearer", "A token is accepted as Authorization: Bearer", [
    ["Authorization", "Bearer {credential}"],
  ]),
  accepts("accepts-api-key", "A token is accepted as x-api-key", [["x-api-key", "{credential}"]]),
  accepts("accepts-both", "A token is accepted in both headers at once", [
    ["x-api-key", "{credential}"],
    ["Authorization", "Bearer {credential}"],
  ]),
  closedRoute("closed-files", "Other routes of the API are closed", "POST", "/v1/files"),
  closedRoute(
    "closed-keys",
    "The organization's admin routes are closed",
    "GET",
    "/v1/organizations/api_keys",
  ),
  closedRoute("closed-method", "A message route accepts no other method", "GET", "/v1/messages"),
  noBreach,
  swapped,
  unreachable,
  malformed,
  hello,
  headBaseUrl,
];
