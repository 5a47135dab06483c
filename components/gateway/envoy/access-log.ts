import { METER, meterKeys } from "../../usage/metering.ts";
import { REQUESTS_FILE } from "../../usage/record/place.ts";
import { agentFormat, ofAgent } from "./agent.ts";
import { extension, type Message } from "./proto.ts";

/**
 * One JSON line on standard output for each request. It has only the headers listed here, none of which carries a
 * credential. It omits the query, because a careless client may put a credential there.
 */
export function httpAccessLog(listener: "agents" | "egress"): Message {
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

function recordFields(): Record<string, string> {
  return {
    time: "%START_TIME%",
    duration_ms: "%DURATION%",
    agent: agentFormat,
    session_id: "%REQ(X-CLAUDE-CODE-SESSION-ID)%",
    status: "%RESPONSE_CODE%",
    flags: "%RESPONSE_FLAGS%",
    details: "%RESPONSE_CODE_DETAILS%",
    model: metered(meterKeys.model),
    input_tokens: metered(meterKeys.input),
    output_tokens: metered(meterKeys.output),
    cache_read_tokens: metered(meterKeys.cacheRead),
    cache_write_5m_tokens: metered(meterKeys.cacheWrite5m),
    cache_write_1h_tokens: metered(meterKeys.cacheWrite1h),
    cost_usd: metered(meterKeys.costUsd),
    estimated: metered(meterKeys.estimated),
    metering: metered(meterKeys.result),
  };
}

function metered(key: string): string {
  return `%DYNAMIC_METADATA(${METER}:${key})%`;
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
