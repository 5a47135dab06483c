/**
 * Runs the stand-in of a provider (see google.ts and bedrock.ts) as a process:
 *   tsx main.ts google POOL.json, or tsx main.ts bedrock, and the arguments of ../anthropic/main.ts
 */
import { readFileSync } from "node:fs";
import type { AnswerRequest } from "../anthropic/api.ts";
import { serve } from "../anthropic/serve.ts";
import type { PoolProvider } from "../tokens/google.ts";
import { answerBedrock } from "./bedrock.ts";
import { answerGoogle } from "./google.ts";

/** The answers of the provider that the arguments name, and the other arguments. */
function read([provider, ...args]: readonly string[]): [AnswerRequest, readonly string[]] {
  switch (provider) {
    case "google": {
      const [pool = "", ...more] = args;
      return [answerGoogle(JSON.parse(readFileSync(pool, "utf8")) as PoolProvider), more];
    }
    case "bedrock":
      return [answerBedrock, args];
    default:
      throw new Error("say which provider: google or bedrock");
  }
}

async function main(): Promise<void> {
  const [answer, args] = read(process.argv.slice(2));
  await serve(args, answer);
}

main().catch((error: unknown) => {
  process.stderr.write(`stand-in: ${(error as Error).message}\n`);
  process.exitCode = 2;
});
