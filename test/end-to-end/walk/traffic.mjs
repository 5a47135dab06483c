// Runs in a pod: sends one stream and a series of small requests to the gateway until its stdin ends, then prints the
// results as one line of JSON. It retries nothing, so lost requests are visible.
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const { baseUrl, token, marker, intervalMs } = JSON.parse(process.env.TRAFFIC);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let running = true;
process.stdin.resume().on("end", () => (running = false));

function post(body, ownAgent) {
  return new Promise((resolve) => {
    const text = JSON.stringify({ model: "claude-sonnet-4-5", max_tokens: 64, ...body });
    const request = http.request(
      `${baseUrl}/v1/messages`,
      {
        method: "POST",
        agent: ownAgent,
        headers: {
          "x-api-key": token,
          "anthropic-version": "2023-06-01",
          "content-type": "application/json",
          "content-length": Buffer.byteLength(text),
        },
      },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", (error) => resolve({ error: error.message }));
        response.on("end", () =>
          resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    request.on("error", (error) => resolve({ error: error.message }));
    request.end(text);
  });
}

const stream = post(
  { stream: true, messages: [{ role: "user", content: `stream ${marker}` }] },
  new http.Agent(),
);
const requests = { completed: 0, lost: [] };
while (running) {
  const answer = await post({ messages: [{ role: "user", content: `row ${marker}` }] }, agent);
  if (answer.status === 200) requests.completed += 1;
  else requests.lost.push({ at: new Date().toISOString(), ...answer });
  await sleep(intervalMs);
}
console.log(JSON.stringify({ stream: await stream, requests }));
process.exit(0);
