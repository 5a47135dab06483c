import type { IncomingMessage, ServerResponse } from "node:http";
import type { Github } from "./github.ts";

/** Answers a request to one of GitHub's hosts. Bodies are short enough to be read whole. */
export async function serveGithub(
  github: Github,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const target = incoming.url ?? "/";
  const end = target.indexOf("?");
  const { status, headers, body } = await github.answer({
    host: (incoming.headers.host ?? "").replace(/:\d+$/, "").toLowerCase(),
    method: incoming.method ?? "",
    path: end === -1 ? target : target.slice(0, end),
    query: new URLSearchParams(end === -1 ? "" : target.slice(end + 1)),
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  });
  response.writeHead(status, headers);
  response.end(incoming.method === "HEAD" ? undefined : body);
}
