import { variants } from "../../../../components/gateway/paths/index.ts";
import { canInspect } from "../../../../components/gateway/paths/variant.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import type { Attempt, Surroundings } from "../attempt.ts";

/** The first line of a request, its Host, and the statuses by which the gateway refuses it. */
interface Request {
  readonly line: string;
  readonly host: string;
  readonly refusedBy: readonly number[];
}

/** Something that no rule of an inspected host can allow. The gateway has to refuse it itself, and says so in the body. */
const refused = (id: string, title: string, request: (host: string) => Request): Attempt => ({
  id: `inspected.${id}`,
  title,
  expected: "refused by the gateway",
  rings: ["gateway"],
  variants: variants.filter(canInspect).map(({ name }) => name),
  unless: ({ settings }) =>
    firstOf({ settings }) === undefined ? "the stack inspects no host" : undefined,
  python: ({ settings, gatewayAddress }) => {
    const server = firstOf({ settings }) ?? "";
    const { line, host, refusedBy } = request(server);
    // With the agent's own list of authorities: whether it trusts the gateway's certificate is tried too.
    // No answer at all is no refusal: it raises what is not an OSError.
    return `try: s = ssl.create_default_context().wrap_socket(tcp("${gatewayAddress}", ${ports.https}), server_hostname="${server}")
    except OSError as error: raise RuntimeError(f"no TLS: {error}")
    s.sendall(("${line}\\r\\nHost: ${host}\\r\\nAuthorization: Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"] + "\\r\\nConnection: close\\r\\n\\r\\n").encode())
    response = http.client.HTTPResponse(s)
    response.begin()
    text = response.read(500).decode(errors="replace")
    if response.status in (${refusedBy.join(", ")},) and "gateway: " in text: raise OSError(f"status {response.status} {text}")
    return f"status {response.status} {text}"`;
  },
});

/** A host of the stack whose TLS ends at the gateway. */
function firstOf({ settings }: Pick<Surroundings, "settings">): string | undefined {
  return settings.inspect?.[0];
}

/** What an inspected host's rules refuse, whatever they are. */
export const inspected: readonly Attempt[] = [
  refused("method", "a method that no rule of an inspected host can name", (host) => ({
    line: "TRACE / HTTP/1.1",
    host,
    refusedBy: [403],
  })),
  refused(
    "path",
    "a path that the gateway and an inspected host could read differently",
    (host) => ({
      line: "GET /x/..%2f..%2fy HTTP/1.1",
      host,
      refusedBy: [400],
    }),
  ),
  refused("host", "another Host than the server name of an inspected host", () => ({
    line: "GET / HTTP/1.1",
    host: "unlisted.example",
    refusedBy: [421],
  })),
  refused("upgrade", "WebSocket to an inspected host", (host) => ({
    line: "GET / HTTP/1.1\\r\\nConnection: upgrade\\r\\nUpgrade: websocket",
    host,
    refusedBy: [403],
  })),
];
