import { body } from "./body.ts";
import { caching } from "./caching.ts";
import type { Check } from "./check.ts";
import { claudeCode } from "./claude-code.ts";
import { gzipRequest } from "./claude-code-switches.ts";
import { configuration } from "./configuration.ts";
import { connection } from "./connection.ts";
import { cost } from "./cost.ts";
import { credentialHolder } from "./credential-holder.ts";
import { disconnect } from "./disconnect.ts";
import { errors } from "./errors.ts";
import { headers } from "./headers.ts";
import { ownErrors } from "./own-errors.ts";
import { provokedErrors, provokedTools } from "./provoked.ts";
import { size } from "./size.ts";
import { streaming } from "./streaming.ts";
import { tools } from "./tools.ts";

/** Every check, by theme, in the order of reports. */
export const checks: readonly Check[] = [
  ...errors,
  ...provokedErrors,
  ...ownErrors,
  ...caching,
  ...body,
  gzipRequest,
  ...headers,
  ...streaming,
  ...tools,
  ...provokedTools,
  ...size,
  ...disconnect,
  ...connection,
  ...claudeCode,
  ...cost,
  ...configuration,
  credentialHolder,
];
