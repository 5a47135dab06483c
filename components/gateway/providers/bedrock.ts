import { z } from "zod";
import type { Endpoint } from "../api/endpoints.ts";
import type { Provider } from "./provider.ts";

const region = z
  .string()
  .regex(
    /^[a-z]{2}(-[a-z]+)+-[0-9]+$/,
    "is not a region of AWS (for example us-east-1): pulumi config set --path gateway.bedrock.region <region>",
  )
  .describe("Region of AWS that takes the requests, for example us-east-1.");

/** A model's id or that of an inference profile, for example `us.anthropic.claude-sonnet-4-5-20250929-v1:0`. */
const MODEL = "(?:[A-Za-z0-9._:-]|%3A)+";

/**
 * Claude on Amazon Bedrock, with a Bedrock API key. Streams are binary frames, in which the meter reads nothing: such an
 * answer is `unmetered`. Errors are `{"message"}` with `x-amzn-errortype`, and pass unchanged.
 */
export const bedrock = {
  name: "bedrock",
  title: "Amazon Bedrock",
  credentials: ["bedrockKey"],
  settings: { region },
  unbudgeted: "Bedrock's streams are binary frames, whose tokens the gateway does not count",
  upstream: ({ region = "" }) => ({
    name: "bedrock",
    host: `bedrock-runtime.${region}.amazonaws.com`,
    prefix: "/bedrock",
    basePath: "",
    endpoints: () => endpoints,
    query: false,
    messagePaths: ["/model/([^/]+)/invoke$", "/model/([^/]+)/invoke%-with%-response%-stream$"],
    // Of a request that is signed for another account.
    identityHeaders: ["x-amz-security-token"],
    telemetryName: "aws.bedrock",
    environment: (baseUrl) => ({
      CLAUDE_CODE_USE_BEDROCK: "1",
      CLAUDE_CODE_SKIP_BEDROCK_AUTH: "1",
      ANTHROPIC_BEDROCK_BASE_URL: baseUrl,
      AWS_REGION: region,
    }),
  }),
} as const satisfies Provider;

const endpoints: readonly Endpoint[] = [
  {
    method: "POST",
    path: `/model/${MODEL}/(invoke|invoke-with-response-stream)`,
    pattern: true,
    costs: true,
  },
  { method: "POST", path: `/model/${MODEL}/count-tokens`, pattern: true, costs: false },
];
