import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { ApiClient } from "../../../../lab/pulumi/kubernetes/client.ts";
import { Cluster, type WatchEvent } from "../../../../lab/pulumi/kubernetes/cluster.ts";
import { Discovery } from "../../../../lab/pulumi/kubernetes/discovery.ts";
import { ApiError } from "../../../../lab/pulumi/kubernetes/errors.ts";
import { nameOf } from "../../../../lab/pulumi/kubernetes/object.ts";
import { parseKubeconfig } from "../../../../lab/pulumi/kubernetes/kubeconfig.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(handler: Handler): Promise<ApiClient> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return clientOf((server.address() as { port: number }).port);
}

function clientOf(port: number): ApiClient {
  const config = {
    clusters: [
      {
        name: "c",
        cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
      },
    ],
    users: [{ name: "u", user: { token: "let-me-in" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  return new ApiClient(parseKubeconfig(JSON.stringify(config)));
}

const GET = { method: "GET", path: "/thing" } as const;

describe("a request", () => {
  it("carries the user's token and brings back an object", async () => {
    const client = await serve((request, response) => {
      response.end(JSON.stringify({ token: request.headers.authorization, url: request.url }));
    });
    expect(await client.request({ ...GET, query: { dryRun: "All" } })).toEqual({
      token: "Bearer let-me-in",
      url: "/thing?dryRun=All",
    });
  });

  it("is repeated when the server asks for that", async () => {
    let count = 0;
    const client = await serve((_, response) => {
      response.statusCode = ++count === 1 ? 503 : 200;
      response.setHeader("retry-after", "0.01");
      response.end("{}");
    });
    expect(await client.request(GET)).toEqual({});
    expect(count).toBe(2);
  });

  it("that loses its connection is repeated if it reads, and not if it writes", async () => {
    let count = 0;
    const client = await serve((request, response) => {
      if (++count === 1) request.socket.resetAndDestroy();
      else response.end("{}");
    });
    expect(await client.request(GET)).toEqual({});
    count = 0;
    await expect(client.request({ ...GET, method: "POST" })).rejects.toThrow(/^Post "http:/);
    expect(count).toBe(1);
  });

  it("that is refused says so in the server's words", async () => {
    const status = { kind: "Status", message: "no", reason: "Forbidden", code: 403 };
    const client = await serve((_, response) => {
      response.statusCode = 403;
      response.end(JSON.stringify(status));
    });
    const error = await client.request(GET).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ message: "no", code: 403, reason: "Forbidden" });
  });

  it("to nobody says so in client-go's words", async () => {
    await expect(clientOf(1).request({ ...GET, method: "DELETE" })).rejects.toThrow(
      'Delete "http://127.0.0.1:1/thing": dial tcp 127.0.0.1:1: connect: connection refused',
    );
  });
});

describe("a watch", () => {
  it("is taken up again, and reports what went away meanwhile", async () => {
    const item = (uid: string) => ({ metadata: { uid, name: uid } });
    const lists = [
      [item("a"), item("b")],
      [item("b"), item("c")],
    ];
    const over = new AbortController();
    const client = await serve((request, response) => {
      const url = new URL(request.url ?? "", "http://x");
      if (url.pathname.startsWith("/api/v1/")) {
        if (url.searchParams.has("watch")) {
          response.write(`${JSON.stringify({ type: "MODIFIED", object: item("b") })}\n`);
          response.end();
        } else {
          const items = lists.shift() ?? [];
          response.end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: {}, items }));
        }
        return;
      }
      const pods = {
        resource: "pods",
        scope: "Namespaced",
        responseKind: { group: "", version: "v1", kind: "Pod" },
      };
      const group = { metadata: { name: "" }, versions: [{ version: "v1", resources: [pods] }] };
      response.end(JSON.stringify({ items: url.pathname === "/api" ? [group] : [] }));
    });
    const cluster = new Cluster(client, new Discovery(client));
    const seen: string[] = [];
    const onEvent = ({ type, object }: WatchEvent): void => {
      seen.push(`${type} ${nameOf(object)}`);
      if (seen.length === 7) over.abort();
    };
    await cluster.watch({ group: "", version: "v1", kind: "Pod" }, "ns", onEvent, over.signal);
    expect(seen).toEqual([
      ...["ADDED a", "ADDED b", "MODIFIED b"],
      ...["DELETED a", "ADDED b", "ADDED c", "MODIFIED b"],
    ]);
  });
});
