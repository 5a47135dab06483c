import { z } from "zod";
import type { Endpoint } from "../api/endpoints.ts";
import type { Provider } from "./provider.ts";

const GLOBAL = "global";

const project = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "is not the id of a Google Cloud project (6 to 30 small letters, digits and dashes): pulumi config set --path gateway.vertex.project <project id>",
  )
  .describe("Id of the Google Cloud project that pays.");

const region = z
  .string()
  .regex(
    /^(global|[a-z]+-[a-z]+[0-9]+)$/,
    "is not a region of Google Cloud (for example us-east5) or `global`: pulumi config set --path gateway.vertex.region <region>",
  )
  .describe("Region that serves the models, for example us-east5, or `global`.");

/**
 * Claude on Google's Vertex AI. The model is in the path, and streams are server-sent events, as at Anthropic's API. Errors
 * of the model have Anthropic's shape, errors of Google `{"error": {"code", "message", "status"}}`; both pass unchanged.
 */
export const vertex = {
  name: "vertex",
  title: "Google's Vertex AI",
  credentials: ["google"],
  settings: { project, region },
  upstream: ({ project = "", region = "" }) => ({
    name: "vertex",
    host: region === GLOBAL ? "aiplatform.googleapis.com" : `${region}-aiplatform.googleapis.com`,
    prefix: "/vertex",
    basePath: "/v1",
    endpoints: () => endpoints(`/v1/projects/${project}/locations/${region}/publishers/anthropic`),
    query: false,
    messagePaths: [
      "/models/(claude[^/:]*):rawPredict$",
      "/models/(claude[^/:]*):streamRawPredict$",
    ],
    // The project that pays, and an identity to act as.
    identityHeaders: [
      "x-goog-iam-authority-selector",
      "x-goog-iam-authorization-token",
      "x-goog-user-project",
    ],
    telemetryName: "gcp.vertex_ai",
    environment: (baseUrl) => ({
      CLAUDE_CODE_USE_VERTEX: "1",
      CLAUDE_CODE_SKIP_VERTEX_AUTH: "1",
      ANTHROPIC_VERTEX_BASE_URL: baseUrl,
      ANTHROPIC_VERTEX_PROJECT_ID: project,
      CLOUD_ML_REGION: region,
    }),
  }),
} as const satisfies Provider;

/** A model's name begins with `claude`, so that counting tokens is a route of its own. */
function endpoints(publisher: string): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: `${publisher}/models/claude[A-Za-z0-9@._-]*:(rawPredict|streamRawPredict)`,
      pattern: true,
      costs: true,
    },
    { method: "POST", path: `${publisher}/models/count-tokens:rawPredict`, costs: false },
  ];
}
