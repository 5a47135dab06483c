import { z } from "zod";
import { UPSTREAM_HOST } from "../gateway/api/upstream.ts";
import { GithubConfig } from "../gateway/github/schema.ts";
import { HostName } from "../schema/fields.ts";
import { InspectConfig } from "./inspect-schema.ts";

const CLUSTER_NAME = /(^|\.)(cluster\.local|svc|internal|localhost)$/;

/** What is wrong with a host in a list of hosts. */
function hostProblem(hosts: readonly string[], index: number, host: string): string | undefined {
  if (hosts.indexOf(host) !== index) return "is listed twice: remove one";
  if (host === UPSTREAM_HOST) {
    return "is the gateway's own upstream: remove it, because agents reach it through the gateway";
  }
  if (CLUSTER_NAME.test(host)) {
    return "is a name inside the cluster or the cloud's network: list only public hosts";
  }
  return undefined;
}

/** Hosts that agents may reach by TLS, where Envoy passes TLS on by server name (SNI), and what the API may fetch for them. */
export const EgressConfig = z.strictObject({
  allow: z
    .array(HostName)
    .default([])
    .superRefine((hosts, context) => {
      hosts.forEach((host, index) => {
        const message = hostProblem(hosts, index, host);
        if (message !== undefined) context.addIssue({ code: "custom", path: [index], message });
      });
    })
    .describe(
      "Exact host names that agents may reach through Envoy (TCP 443), on paths envoy and hybrid. Default none.",
    ),
  inspect: InspectConfig.superRefine((entries, context) => {
    const hosts = entries.map(({ host }) => host);
    hosts.forEach((host, index) => {
      const message = hostProblem(hosts, index, host);
      if (message !== undefined)
        context.addIssue({ code: "custom", path: [index, "host"], message });
    });
  }),
  github: GithubConfig.optional().describe(
    "Repositories on GitHub that agents may read or change, on the paths that have egress.inspect. GitHub gets the gateway's credential, agents none. Default none.",
  ),
  serverFetch: z
    .enum(["allow", "deny"])
    .optional()
    .describe(
      "Whether agents may make the API's servers fetch from outside: web_search, web_fetch, mcp_servers, sources of type url. With deny, also compressed requests are refused. Default deny on shim, envoy in mode terminate and hybrid; elsewhere the gateway reads no requests and only allow is possible.",
    ),
});
