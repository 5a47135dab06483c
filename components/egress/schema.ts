import { z } from "zod";
import { UPSTREAM_HOST } from "../gateway/api/upstream.ts";
import { HostName } from "../schema/fields.ts";

const CLUSTER_NAME = /(^|\.)(cluster\.local|svc|internal|localhost)$/;

/** Host names that agents may reach by SNI, on the paths that route by SNI. */
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
              ? "is the gateway's own upstream: remove it, agents reach it through the gateway"
              : CLUSTER_NAME.test(host)
                ? "is a name of the cluster or of the cloud's own network: list public hosts only"
                : undefined;
        if (message !== undefined) context.addIssue({ code: "custom", path: [index], message });
      });
    })
    .describe(
      "Exact host names, TCP 443, that agents reach through Envoy on hybrid and on envoy in mode sni. Default none.",
    ),
});
