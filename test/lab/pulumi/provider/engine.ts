import { credentials } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb.js";
import { GRPC_OPTIONS } from "./plugin.ts";
import type { Host } from "./provider.ts";

const SEVERITY = {
  info: LogSeverity.INFO,
  warning: LogSeverity.WARNING,
  error: LogSeverity.ERROR,
} as const;

/** The engine's log, as a provider sees it. */
export function connectEngine(address: string): Host {
  const client = new EngineClient(address, credentials.createInsecure(), GRPC_OPTIONS);
  const send = (
    severity: (typeof SEVERITY)[keyof typeof SEVERITY],
    urn: string,
    message: string,
    ephemeral: boolean,
  ): void => {
    const request = new LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A message that the engine no longer takes must not fail the operation that it is about.
    client.log(request, () => undefined);
  };
  return {
    log(severity, urn, message) {
      send(SEVERITY[severity], urn, message, false);
    },
    status(urn, message) {
      send(SEVERITY.info, urn, message, true);
    },
  };
}
