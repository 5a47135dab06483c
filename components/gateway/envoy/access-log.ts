import { agentFormat } from "./agent.ts";
import { extension, type Message } from "./proto.ts";

/**
 * One JSON line on standard output for each request. It has only the headers listed here, none of which carries a
 * credential. It omits the query, because a careless client may put a credential there.
 */
export function httpAccessLog(listener: "agents" | "egress" | "otlp"): Message {
  return stdoutJson({
    time: "%START_TIME%",
    listener,
    agent: agentFormat,
    session_id: "%REQ(X-CLAUDE-CODE-SESSION-ID)%",
    // The peer of the connection. Without DIRECT this would be what the client says in x-forwarded-for.
    source: "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
    method: "%REQ(:METHOD)%",
    path: "%PATH(NQ:PATH)%",
    status: "%RESPONSE_CODE%",
    bytes_received: "%BYTES_RECEIVED%",
    bytes_sent: "%BYTES_SENT%",
    first_byte_ms: "%RESPONSE_DURATION%",
    duration_ms: "%DURATION%",
    upstream: "%UPSTREAM_CLUSTER%",
    upstream_request_id: "%RESP(REQUEST-ID)%",
    flags: "%RESPONSE_FLAGS%",
    details: "%RESPONSE_CODE_DETAILS%",
  });
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
