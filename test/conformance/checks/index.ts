import { type Check, themeOf, themes } from "./check.ts";
import { configuration } from "./configuration.ts";
import { errors } from "./errors.ts";
import { ownErrors } from "./own-errors.ts";
import { streaming } from "./streaming.ts";

const order = Object.keys(themes);

/** Every check, by theme, in the order of reports. */
export const checks: readonly Check[] = [
  ...errors,
  ...ownErrors,
  ...streaming,
  ...configuration,
].sort((a, b) => order.indexOf(themeOf(a.id)) - order.indexOf(themeOf(b.id)));
