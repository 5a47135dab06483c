import { RunError } from "@pulumi/pulumi/errors.js";
import { ConfigError, readConfig } from "./config.ts";
import { checkHost } from "./host-check.ts";

/** The program that `pulumi up` runs. It loads only the module of the stack's `kind`, and so only that provider's SDK. */
export default async function program(): Promise<object> {
  try {
    const config = readConfig();
    switch (config.kind) {
      case "host":
        return await (await import("./host.ts")).hostStack(config);
      case "gateway":
        return (await import("./gateway.ts")).gatewayStack(config, await checkHost(config));
      case "spike":
        return (await import("./spike.ts")).spikeStack(config, await checkHost(config));
    }
  } catch (error) {
    throw error instanceof ConfigError ? mistake(error.message) : error;
  }
}

/** An error of which the engine prints only the message. */
function mistake(message: string): RunError {
  const error = new RunError(message);
  // With Pulumi's source maps, Node 20 takes half a minute to print a stack trace: its markNodeModules never finds the
  // end of "node_modules/@pulumi/resource.ts".
  error.stack = message;
  return error;
}
