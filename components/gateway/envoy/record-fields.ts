import { meterKeys } from "../../usage/metering.ts";
import { agentFormat } from "./agent.ts";
import { meterFormat } from "./metering.ts";

/** The session. Its length is bounded, so that a client cannot make a line long. */
export const sessionFormat = "%REQ(X-CLAUDE-CODE-SESSION-ID):64%";

/** What the record of usage keeps of a request: names of a line's fields, with Envoy's formats. */
export function recordFields(): Record<string, string> {
  return { ...requestFields(), ...usageFields() };
}

/** Who asked, when, and how it ended. */
export function requestFields(): Record<string, string> {
  return {
    time: "%START_TIME%",
    duration_ms: "%DURATION%",
    agent: agentFormat,
    session_id: sessionFormat,
    status: "%RESPONSE_CODE%",
    flags: "%RESPONSE_FLAGS%",
    details: "%RESPONSE_CODE_DETAILS%",
  };
}

/** What the meter counted. */
function usageFields(): Record<string, string> {
  return {
    model: meterFormat(meterKeys.model),
    input_tokens: meterFormat(meterKeys.input),
    output_tokens: meterFormat(meterKeys.output),
    cache_read_tokens: meterFormat(meterKeys.cacheRead),
    cache_write_5m_tokens: meterFormat(meterKeys.cacheWrite5m),
    cache_write_1h_tokens: meterFormat(meterKeys.cacheWrite1h),
    cost_usd: meterFormat(meterKeys.costUsd),
    estimated: meterFormat(meterKeys.estimated),
    metering: meterFormat(meterKeys.result),
  };
}
