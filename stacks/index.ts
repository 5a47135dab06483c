import { RunError } from "@pulumi/pulumi/errors.js";
import { ConfigError, readConfig } from "./config.ts";
import { gatewayStack } from "./gateway.ts";
import { hostStack } from "./host.ts";
import { spikeStack } from "./spike.ts";

/** What `pulumi up` runs: the stack program that the stack's `kind` names. */
export default async function program(): Promise<object> {
  try {
    const config = readConfig();
    switch (config.kind) {
      case "host":
        return await hostStack(config);
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
