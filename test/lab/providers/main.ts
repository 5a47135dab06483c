/**
 * Runs the stand-in of a provider (see vertex.ts and bedrock.ts) as a process:
 *   tsx main.ts vertex|bedrock, and the arguments of ../anthropic/main.ts
 */
import { serve } from "../anthropic/serve.ts";
import { answerBedrock } from "./bedrock.ts";
import { answerVertex } from "./vertex.ts";

const [provider, ...args] = process.argv.slice(2);
const answers = new Map([
  ["vertex", answerVertex],
  ["bedrock", answerBedrock],
]);

async function main(): Promise<void> {
  const answer = answers.get(provider ?? "");
  if (answer === undefined)
    throw new Error(`say which provider: ${[...answers.keys()].join(" or ")}`);
  await serve(args, answer);
}

main().catch((error: unknown) => {
  process.stderr.write(`stand-in: ${(error as Error).message}\n`);
  process.exitCode = 2;
});
