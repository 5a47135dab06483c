import * as grpc from "@grpc/grpc-js";

/** The maximum length of a message; the same as the engine's. A state with large config maps exceeds gRPC's 4 MiB. */
const MESSAGE_LIMIT_BYTES = 400 * 1024 * 1024;

const GRPC_OPTIONS = {
  "grpc.max_receive_message_length": MESSAGE_LIMIT_BYTES,
  "grpc.max_send_message_length": MESSAGE_LIMIT_BYTES,
};

/** The engine's address: the only argument that is not a flag. */
export function engineAddress(argv: readonly string[] = process.argv.slice(2)): string {
  const address = argv.find((argument) => !argument.startsWith("-"));
  if (address === undefined) {
    console.error("this is a Pulumi plugin: the Pulumi engine starts it, with its own address");
    process.exit(2);
  }
  return address;
}

/**
 * Serves a plugin: chooses a port, prints it on the first line of stdout, and runs until the engine ends the process. The
 * engine holds the other end of stdin, so end of file means that the engine has ended, even if it was killed.
 */
export async function servePlugin(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
  onEngineGone: () => void = () => undefined,
): Promise<void> {
  const server = new grpc.Server(GRPC_OPTIONS);
  server.addService(service, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  process.stdin.on("end", () => {
    onEngineGone();
    process.exit(0);
  });
  process.stdin.resume();
  console.log(port);
}

/** Converts a handler that returns a promise to gRPC's callback style. */
export function unary<Request, Response>(
  handle: (
    request: Request,
    call: grpc.ServerUnaryCall<Request, Response>,
  ) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => {
          callback(null, response);
        },
        (error: unknown) => {
          callback(toServiceError(error));
        },
      );
  };
}

function toServiceError(error: unknown): Partial<grpc.StatusObject> {
  const known = error as Partial<grpc.ServiceError>;
  return {
    code: known.code !== undefined && known.code in grpc.status ? known.code : grpc.status.UNKNOWN,
    details: known.details ?? (error instanceof Error ? error.message : String(error)),
    ...(known.metadata instanceof grpc.Metadata && { metadata: known.metadata }),
  };
}
