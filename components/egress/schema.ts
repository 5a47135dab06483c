import { z } from "zod";
import { UPSTREAM_HOST } from "../gateway/api/upstream.ts";
import { HostName } from "../schema/fields.ts";

const CLUSTER_NAME = /(^|\.)(cluster\.local|svc|internal|localhost)$/;

/** Hosts that agents may reach by TLS, where Envoy passes TLS on by server name (SNI), and what the API may fetch for them. */
export const EgressConfig = z.strictObject({
  allow: z
    .array(HostName)
    .default([])
    .superRefine((hosts, context) => {
      hosts.forEach((host, index) => {
        const message =
          hosts.indexOf(host) !== index
            ? "is listed twice: remove one"
            : host === UPSTREAM_HOST
              ? "is the gateway's own upstream: remove it, because agents reach it through the gateway"
              : CLUSTER_NAME.test(host)
                ? "is a name inside the cluster or the cloud's network: list only public hosts"
                : undefined;
        if (message !== undefined) context.addIssue({ code: "custom", path: [index], message });
      });
    })
    .describe(
      "Exact host names that agents may reach through Envoy (TCP 443), on paths envoy and hybrid. Default none.",
    ),
  serverFetch: z
    .enum(["allow", "deny"])
    .optional()
    .describe(
      "Whether agents may make the API's servers fetch from outside: web_search, web_fetch, mcp_servers, sources of type url. With deny, also compressed requests are refused. Default deny on shim, envoy in mode terminate and hybrid; elsewhere the gateway reads no requests and only allow is possible.",
    ),
});
