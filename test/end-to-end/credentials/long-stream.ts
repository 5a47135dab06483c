import { gatewayToken } from "../../../components/agents/environment.ts";
import { AGENT, type Means } from "./federated-stack.ts";

const MARKER = "the stream that outlives a token";
const FILE = "/tmp/long-stream";

/** Longer than the kubelet takes to write the next assertion. */
const SECONDS = 660;
const GAP_SECONDS = 30;

const frames = Array.from({ length: SECONDS / GAP_SECONDS + 1 }, (_, index) => ({
  text: `event: note\ndata: ${index}\n\n`,
  ...(index > 0 && { afterMs: GAP_SECONDS * 1000 }),
}));

/** The text of the whole stream. */
export const WHOLE = frames.map(({ text }) => text).join("");

/** Opens a stream of eleven minutes in the agent's runner. It runs on when this process ends. */
export async function startLongStream({ target, control }: Means): Promise<void> {
  await control.push({
    match: { path: "/v1/messages", bodyContains: MARKER },
    action: { kind: "frames", frames },
  });
  const body = JSON.stringify({
    model: "claude-sonnet-4-5",
    max_tokens: 64,
    stream: true,
    messages: [{ role: "user", content: MARKER }],
  });
  const curl =
    `curl --silent --no-buffer --output ${FILE} --write-out '%{http_code}' ` +
    `--header "x-api-key: $${gatewayToken.variable}" --header "anthropic-version: 2023-06-01" ` +
    `--header "content-type: application/json" --data '${body}' "$ANTHROPIC_BASE_URL/v1/messages"`;
  await inRunner(target, `setsid nohup ${curl} > ${FILE}.status 2> /dev/null < /dev/null &`);
  await control.waitFor(
    ({ state, response }) => state === "answering" && response?.frames.length === 1,
    30_000,
  );
}

/** Waits for the end of the stream. Returns its status, its text and when it ended, in Unix seconds. */
export async function endOfLongStream({ target }: Means) {
  const deadline = Date.now() + (SECONDS + 30) * 1000;
  const status = async () => (await inRunner(target, `cat ${FILE}.status`)).trim();
  while ((await status()) === "" && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return {
    status: await status(),
    body: await inRunner(target, `cat ${FILE}`),
    endedAt: Number(await inRunner(target, `stat --format=%Y ${FILE}.status`)),
  };
}

function inRunner(target: Means["target"], script: string): Promise<string> {
  return target.kubectl([
    ...["exec", `--namespace=${AGENT}`, "service/runner", "--", "sh", "-c", script],
  ]);
}
