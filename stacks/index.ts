import { RunError } from "@pulumi/pulumi/errors.js";
import { ConfigError, readConfig } from "./config.ts";
import { gatewayStack } from "./gateway.ts";
import { spikeStack } from "./spike.ts";

/** What `pulumi up` runs: the stack program that the stack's `kind` names. */
export default function program(): object {
  try {
    const config = readConfig();
    switch (config.kind) {
      case "gateway":
        return gatewayStack(config);
      case "spike":
        return spikeStack(config);
    }
  } catch (error) {
    // The engine prints a RunError's message alone: a user's mistake needs no stack trace.
    throw error instanceof ConfigError ? new RunError(error.message) : error;
  }
}
