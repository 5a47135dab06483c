import { meterKeys } from "../../usage/metering.ts";
import { agentFormat, ofAgent } from "./agent.ts";
import type { OtlpArgs } from "./args.ts";
import { clusterNames } from "./clusters.ts";
import { meterFormat } from "./metering.ts";
import { otlpAuthority, otlpPath } from "./otlp-routes.ts";
import { extension, type Message, seconds } from "./proto.ts";
import { sessionFormat } from "./record-fields.ts";

/**
 * Records wait at most this long. Together with {@link BUFFER_BYTES} it bounds what Envoy keeps of records: it sends each
 * batch once, and drops it if the receiver does not take it within {@link TIMEOUT_SECONDS}.
 */
const FLUSH_SECONDS = 1;

/** A batch is sent as soon as it has so many bytes. */
const BUFFER_BYTES = 16 * 1024;

/** Longest time that a batch waits for the receiver's answer. */
const TIMEOUT_SECONDS = 10;

/**
 * Attributes of a record. Where OpenTelemetry's semantic conventions for generative AI, for HTTP or for errors have a name,
 * it is used; the others begin with `claude_gateway`. Envoy sends every value as text, and `-` for one that is unknown.
 * https://opentelemetry.io/docs/specs/semconv/gen-ai/
 */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  "gen_ai.operation.name": "chat",
  "gen_ai.agent.name": agentFormat,
  "gen_ai.response.model": meterFormat(meterKeys.model),
  "gen_ai.usage.input_tokens": meterFormat(meterKeys.input),
  "gen_ai.usage.output_tokens": meterFormat(meterKeys.output),
  "gen_ai.usage.cache_read.input_tokens": meterFormat(meterKeys.cacheRead),
  "claude_gateway.usage.cache_write_5m_tokens": meterFormat(meterKeys.cacheWrite5m),
  "claude_gateway.usage.cache_write_1h_tokens": meterFormat(meterKeys.cacheWrite1h),
  "claude_gateway.cost_usd": meterFormat(meterKeys.costUsd),
  "claude_gateway.estimated": meterFormat(meterKeys.estimated),
  "claude_gateway.metering": meterFormat(meterKeys.result),
  "claude_gateway.duration_ms": "%DURATION%",
  "claude_gateway.first_byte_ms": "%RESPONSE_DURATION%",
  "claude_gateway.response_flags": "%RESPONSE_FLAGS%",
  "claude_gateway.response_details": "%RESPONSE_CODE_DETAILS%",
  "claude_gateway.upstream_request_id": "%RESP(REQUEST-ID)%",
  "session.id": sessionFormat,
  "http.request.method": "%REQ(:METHOD):16%",
  "url.path": "%PATH(NQ:PATH):256%",
  "http.response.status_code": "%RESPONSE_CODE%",
};

/** Sends an OTLP log record of each request with an agent. A lost record does not affect the request. */
export function otlpAccessLog(otlp: OtlpArgs, provider: string): Message {
  return {
    ...extension(
      "envoy.access_loggers.open_telemetry",
      "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
      {
        http_service: {
          http_uri: {
            uri: otlpUrl(otlp),
            cluster: clusterNames.otlp,
            timeout: seconds(TIMEOUT_SECONDS),
          },
        },
        log_name: "requests",
        buffer_flush_interval: seconds(FLUSH_SECONDS),
        buffer_size_bytes: BUFFER_BYTES,
        disable_builtin_labels: true,
        resource_attributes: keyValues({ "service.name": "claude-gateway" }),
        body: text("request"),
        attributes: keyValues({ ...ATTRIBUTES, "gen_ai.provider.name": provider }),
      },
    ),
    filter: ofAgent,
  };
}

/** Only the `Host` header comes from it: the cluster decides where a batch goes. */
function otlpUrl(otlp: OtlpArgs): string {
  const scheme = otlp.namespace === undefined ? "https" : "http";
  return `${scheme}://${otlpAuthority(otlp)}${otlpPath(otlp, "logs")}`;
}

function keyValues(attributes: Readonly<Record<string, string>>): Message {
  return {
    values: Object.entries(attributes).map(([key, value]) => ({ key, value: text(value) })),
  };
}

function text(value: string): Message {
  return { string_value: value };
}
