import { REQUESTS_FILE } from "../../usage/record/place.ts";
import { ofAgent } from "./agent.ts";
import { extension, type Message } from "./proto.ts";
import { recordFields, requestFields } from "./record-fields.ts";
import { serverFetchFormat } from "./server-fetch.ts";

/**
 * One JSON line on standard output for each request. It has only the headers listed here, none of which carries a
 * credential. It omits the query, because a careless client may put a credential there.
 */
export function httpAccessLog(listener: "agents" | "egress" | "otlp"): Message {
  return stdoutJson({
    listener,
    // Only answers to agents are metered.
    ...(listener === "agents" ? recordFields() : requestFields()),
    // The peer of the connection. Without DIRECT this would be what the client says in x-forwarded-for.
    source: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    method: "%REQ(:METHOD):16%",
    path: "%PATH(NQ:PATH):256%",
    // What the request was refused for, where the API would have fetched something.
    ...(listener === "agents" && { refused_field: serverFetchFormat("field") }),
    bytes_received: "%BYTES_RECEIVED%",
    bytes_sent: "%BYTES_SENT%",
    first_byte_ms: "%RESPONSE_DURATION%",
    upstream: "%UPSTREAM_CLUSTER%",
    upstream_request_id: "%RESP(REQUEST-ID)%",
  });
}

/**
 * One JSON line in the record for each request of an agent: what it used and cost. Its keys are what
 * components/usage/record/totals.mjs reads.
 */
export function recordAccessLog(): Message {
  return {
    filter: ofAgent,
    ...extension(
      "envoy.access_loggers.file",
      "envoy.extensions.access_loggers.file.v3.FileAccessLog",
      { path: REQUESTS_FILE, log_format: { json_format: recordFields() } },
    ),
  };
}

/** One JSON line for each TLS connection. For a name that is not allowed it has no `upstream` and the flag `NR`. */
export function sniAccessLog(): Message {
  return stdoutJson({
    time: "%START_TIME%",
    listener: "sni",
    server_name: "%REQUESTED_SERVER_NAME%",
    source: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    bytes_received: "%BYTES_RECEIVED%",
    bytes_sent: "%BYTES_SENT%",
    duration_ms: "%DURATION%",
    upstream: "%UPSTREAM_CLUSTER%",
    flags: "%RESPONSE_FLAGS%",
    details: "%CONNECTION_TERMINATION_DETAILS%",
  });
}

function stdoutJson(json: Record<string, string>): Message {
  return extension(
    "envoy.access_loggers.stdout",
    "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
    { log_format: { json_format: json } },
  );
}
