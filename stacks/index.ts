import { RunError } from "@pulumi/pulumi/errors.js";
import { ConfigError, readConfig } from "./config.ts";
import { checkHost } from "./host-check.ts";

/** What `pulumi up` runs: the stack program that the stack's `kind` names, loaded with its provider's SDK alone. */
export default async function program(): Promise<object> {
  try {
    const config = readConfig();
    switch (config.kind) {
      case "host":
        return await (await import("./host.ts")).hostStack(config);
      case "gateway":
        await checkHost(config);
        return (await import("./gateway.ts")).gatewayStack(config);
      case "spike":
        await checkHost(config);
        return (await import("./spike.ts")).spikeStack(config);
    }
  } catch (error) {
    throw error instanceof ConfigError ? mistake(error.message) : error;
  }
}

/** A user's mistake: the engine prints the message alone. */
function mistake(message: string): RunError {
  const error = new RunError(message);
  // Node 20 takes half a minute to print the stack that Pulumi's source maps make of it: its markNodeModules
  // never finds the end of "node_modules/@pulumi/resource.ts".
  error.stack = message;
  return error;
}
