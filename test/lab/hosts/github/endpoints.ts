import type { Endpoint } from "./endpoint.ts";
import { codeEndpoints } from "./endpoints-code.ts";
import { releaseEndpoints } from "./endpoints-releases.ts";
import { settingsEndpoints } from "./endpoints-settings.ts";
import { talkEndpoints } from "./endpoints-talk.ts";

export const endpoints: readonly Endpoint[] = [
  ...codeEndpoints,
  ...talkEndpoints,
  ...releaseEndpoints,
  ...settingsEndpoints,
];
