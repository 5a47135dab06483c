import { rejects } from "./stack.ts";

rejects([
  [
    "unknown path",
    { gateway: { path: "nginx" } },
    '  gateway.path = "nginx" is not one of litellm, shim, envoy, hybrid: pulumi config set --path gateway.path litellm|shim|envoy|hybrid',
  ],
  [
    "a mode for a path without modes",
    { gateway: { path: "shim", mode: "sni" } },
    /^ {2}gateway\.mode = "sni" is not a key/,
  ],
  [
    "drain too short",
    { gateway: { path: "litellm", drainSeconds: 1 } },
    /^ {2}gateway\.drainSeconds = 1 is less than the 10 seconds/,
  ],
  [
    "drain as a duration",
    { gateway: { path: "litellm", drainSeconds: "15m" } },
    /^ {2}gateway\.drainSeconds = "15m" is not a number$/,
  ],
  [
    "drain in part of a second",
    { gateway: { path: "litellm", drainSeconds: 60.5 } },
    /^ {2}gateway\.drainSeconds = 60.5 is not a whole number$/,
  ],
  [
    "no gateway",
    { gateway: undefined },
    "  gateway is missing: pulumi config set --path gateway.path envoy",
  ],
]);
