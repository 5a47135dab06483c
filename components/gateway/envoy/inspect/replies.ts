import type { InspectedHost } from "../../inspect/rules.ts";
import { replyFilter } from "../local-replies.ts";
import { codeDetails, noCredential } from "../no-credential.ts";
import type { Message } from "../proto.ts";
import { refusals } from "./routes.ts";

interface HostReply {
  readonly on: Parameters<typeof replyFilter>[0];
  /** Status that the client gets. Default Envoy's. */
  readonly status?: number;
  /** In Envoy's format. */
  readonly message: string;
  /** Other headers. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether Git gets it as plain text. Default false, because each form is in the configuration of every host. */
  readonly toGit?: true;
}

/** With the query, by which some hosts tell reading from writing. Only the client itself sees it. */
const REQUEST = "%REQ(:METHOD):16% %PATH(WQ:PATH):256%";

function replies({ host, refusal }: InspectedHost): readonly HostReply[] {
  return [
    {
      on: { filter: codeDetails("upgrade_failed") },
      status: 403,
      message: `WebSocket and other upgrades to ${host} are not relayed`,
    },
    {
      on: { filter: noCredential.inspect },
      status: 503,
      message: `no credential for ${host} now`,
      headers: { "retry-after": "30" },
    },
    { on: { flags: ["UO", "OM"] }, status: 503, message: "too many requests in flight" },
    { on: { flags: ["UT", "SI"] }, status: 504, message: `${host} did not answer in time` },
    {
      on: { flags: ["UF", "UH", "UC", "UR", "LR", "UPE", "DF", "NC"] },
      status: 502,
      message: `${host} cannot be reached, or its certificate is not valid`,
    },
    {
      on: { status: refusals.token },
      message: `missing or unknown agent token: show the agent's gateway token where the token for ${host} would be`,
      // Git and others show a credential only after this.
      headers: { "www-authenticate": 'Basic realm="claude-gateway"' },
      toGit: true,
    },
    {
      on: { status: refusals.rule },
      message: `${literal(refusal)}: ${REQUEST} is not allowed`,
      toGit: true,
    },
    {
      on: { status: refusals.host },
      message: `the request is for another host than the server name of its TLS connection, ${host}`,
    },
    {
      on: { status: refusals.path },
      message:
        "malformed request, or a path that can be read in two ways: " +
        "//, a segment . or .., or an encoded dot, backslash or percent sign",
    },
    { on: { status: 503 }, message: "not able to serve now" },
    { on: "anything else", message: "%RESPONSE_CODE_DETAILS%" },
  ];
}

/** A text in Envoy's format, in which a percent sign begins a value. */
function literal(text: string): string {
  return text.replaceAll("%", "%%");
}

/** Git shows the text of an error to people only if it is plain. */
const ofGit: Message = {
  header_filter: { header: { name: "user-agent", string_match: { prefix: "git/" } } },
};

/**
 * The gateway's own answers for an inspected host: plain text for Git, and for other clients JSON with the message where npm
 * (`error`) and GitHub's clients (`message`) look for it.
 */
export function hostReplies(inspected: InspectedHost): Message {
  return {
    mappers: replies(inspected).flatMap(({ on, status, message, toGit, headers = {} }) => {
      const text = `gateway: ${message}`;
      const shared = {
        ...(status !== undefined && { status_code: status }),
        ...(Object.keys(headers).length > 0 && {
          headers_to_add: Object.entries(headers).map(([key, value]) => ({
            header: { key, value },
            append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
          })),
        }),
      };
      return [
        ...(toGit === true
          ? [
              {
                filter: { and_filter: { filters: [replyFilter(on), ofGit] } },
                ...shared,
                body_format_override: { text_format_source: { inline_string: `${text}\n` } },
              },
            ]
          : []),
        {
          filter: replyFilter(on),
          ...shared,
          body_format_override: { json_format: { error: text, message: text } },
        },
      ];
    }),
  };
}
