import type { AnswerRequest } from "../anthropic/api.ts";
import { GoogleTokens, type PoolProvider } from "../tokens/google.ts";
import { answerVertex } from "./vertex.ts";

/**
 * Answers for Google's hosts in one process, by name: `sts.googleapis.com` and `iamcredentials.googleapis.com` (see
 * ../tokens/google.ts), and Vertex AI, which takes only tokens that one of them made and that have not ended.
 */
export function answerGoogle(pool: PoolProvider): AnswerRequest {
  const tokens = new GoogleTokens(pool);
  const endpoints = new Map([
    ["sts.googleapis.com", tokens.sts],
    ["iamcredentials.googleapis.com", tokens.iam],
  ]);
  return async (exchange, body, state) => {
    const { method, path, request } = exchange;
    const endpoint = endpoints.get(request.headers.host ?? "");
    if (endpoint === undefined) {
      const now = Date.now();
      state.credentials.replace(
        [...tokens.made].filter(([, { ends }]) => ends > now).map(([token]) => token),
      );
      await answerVertex(exchange, body, state);
      return;
    }
    const answer = await endpoint({
      ...{ method, path, headers: request.headers },
      body: body.toString("utf8"),
    });
    await exchange.answer(
      answer.status,
      [
        ["Content-Type", "application/json; charset=UTF-8"],
        ["Date", new Date().toUTCString()],
      ],
      Buffer.from(JSON.stringify(answer.body)),
    );
  };
}
