// Runs in an agent's pod: reads routes as JSON from stdin, requests each with the agent's token, and prints those that
// were not answered with a 4xx.
import { text } from "node:stream/consumers";

const routes = JSON.parse(await text(process.stdin));
const token = process.env.ANTHROPIC_AUTH_TOKEN;
const open = [];
for (const { method, path } of routes) {
  if (method === "HEAD") continue;
  const response = await fetch(process.env.ORIGIN + path, {
    method,
    redirect: "manual",
    headers: { "x-api-key": token, "content-type": "application/json" },
    ...(["POST", "PUT", "PATCH"].includes(method) && { body: "{}" }),
  });
  const body = (await response.text()).slice(0, 200);
  if (response.status < 400 || response.status > 499) {
    open.push({ method, path, status: response.status, body });
  }
}
console.log(JSON.stringify(open));
