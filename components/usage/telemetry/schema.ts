import { z } from "zod";
import { KubernetesName } from "../../schema/fields.ts";
import { collectorProblem } from "./collector.ts";

const LABEL_KEY =
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Pods that may read the metrics. */
const ScraperConfig = z.strictObject({
  namespace: KubernetesName.describe("Namespace of the pods that may scrape."),
  podLabels: z
    .record(
      z.string().regex(LABEL_KEY, "is not the key of a Kubernetes label"),
      z.string().regex(LABEL_VALUE, "is not the value of a Kubernetes label"),
    )
    .refine((labels) => Object.keys(labels).length > 0, "is empty: name a label, or remove the key")
    .optional()
    .describe("Labels of those pods. Default: every pod of the namespace."),
});

const HEADER_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Headers that Envoy itself sets on a request, or that change what the request is. */
const OWN_HEADERS = ["connection", "content-encoding", "content-length", "content-type", "host"];

/** Where the records of requests and the agents' own telemetry are sent. */
const OtlpConfig = z.strictObject({
  endpoint: z
    .string()
    .superRefine((value, context) => {
      const message = collectorProblem(value);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe(
      "Base URL of an OTLP/HTTP receiver: `https://HOST[/PATH]` outside, or `http://SERVICE.NAMESPACE.svc.cluster.local:PORT[/PATH]` in the cluster. `/v1/logs` and `/v1/metrics` are appended.",
    ),
  headers: z
    .record(
      z
        .string()
        .regex(HEADER_NAME, "is not the name of a header in lower case")
        .refine((name) => !OWN_HEADERS.includes(name), "is a header that the gateway sets itself"),
      z.string().regex(/^[\x20-\x7e]+$/, "is empty, or has characters that a header cannot have"),
    )
    .default({})
    .describe(
      "Headers that the receiver wants, for example its API key. Set each with `--secret`. Default none.",
    ),
});

/** Who may see how the gateway is doing, and where records of requests are sent. */
export const TelemetryConfig = z.strictObject({
  scrape: z
    .strictObject({
      from: z
        .array(ScraperConfig)
        .default([])
        .describe(
          "Pods that may read Prometheus metrics: Envoy's (TCP 8081, `/stats/prometheus`) and the rate-limit service's (TCP 9102, `/metrics`). Default nobody.",
        ),
    })
    .prefault({}),
  otlp: OtlpConfig.optional().describe(
    "Sends a record of each request, and the agents' own telemetry, to an OTLP receiver. Not on path litellm, nor in mode sni. Default: nothing is sent.",
  ),
});

export type Scraper = z.infer<typeof ScraperConfig>;
