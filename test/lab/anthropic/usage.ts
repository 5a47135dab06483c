import type { InputUsage } from "./promptCache.ts";

/** The usage of an answer, with the API's field names. It is recorded so that a meter can be compared with it. */
export interface Usage {
  readonly model: string;
  readonly input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  /** Tokens of what was sent. The client knows this number only if the answer is complete. */
  readonly output_tokens: number;
  /** Whether the client got the final usage: at the end of a stream, or in a JSON answer. */
  readonly complete: boolean;
}

/** The usage of a reply once `outputTokens` of it were sent. */
export function usageSent(
  { input, model }: { readonly input: InputUsage; readonly model: string },
  outputTokens: number,
  complete: boolean,
): Usage {
  return {
    model,
    input_tokens: input.input,
    cache_read_input_tokens: input.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: input.cacheCreation5m,
      ephemeral_1h_input_tokens: input.cacheCreation1h,
    },
    output_tokens: outputTokens,
    complete,
  };
}
