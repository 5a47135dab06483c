import type { InputUsage } from "./promptCache.ts";

/** What an answer costs, in the API's own names; a record has it so that a meter can be compared with it. */
export interface Usage {
  readonly model: string;
  readonly input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  /** Tokens of what was sent; the client has been told them only where the answer is complete. */
  readonly output_tokens: number;
  /** Whether the client was told the whole of it: by the end of a stream, or by a JSON answer. */
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
