import { z } from "zod";
import { Duration } from "../fields.ts";

/** Settings of a throw-away stack. */
export const SpikeConfig = z.strictObject({
  ttl: Duration.default("24h").describe(
    "Time to live from creation, after which `npm run spike:reap` destroys the stack. Default 24h.",
  ),
});
