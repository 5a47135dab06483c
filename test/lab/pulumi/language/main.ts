/**
 * Replaces `pulumi-language-nodejs`, the Node.js language host that a Pulumi installation has next to the CLI and that no
 * package registry has. Like the original, it starts the SDK's own runner for a program. Missing is what the lab never
 * needs: installing dependencies, code generation, debuggers, synchronous invokes.
 */
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import {
  AboutResponse,
  GetRequiredPackagesResponse,
  RunResponse,
  type AboutRequest,
  type GetRequiredPackagesRequest,
  type RunRequest,
} from "@pulumi/pulumi/proto/language_pb.js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { engineAddress, servePlugin, unary } from "../provider/plugin.ts";
import { runProgram, type Program } from "./run.ts";

const engine = engineAddress();
const cancelled = new AbortController();

// The engine ends its plugins with an interrupt. Pass it to the program, which gets some time to end by itself.
process.on("SIGINT", () => {
  cancelled.abort();
  process.exit(130);
});

await servePlugin(
  LanguageRuntimeService,
  {
    getPluginInfo: unary<Empty, PluginInfo>(() => new PluginInfo()),
    // Empty: the SDK names plugin and version with every resource, so nothing has to be downloaded first.
    getRequiredPackages: unary<GetRequiredPackagesRequest, GetRequiredPackagesResponse>(
      () => new GetRequiredPackagesResponse(),
    ),
    about: unary<AboutRequest, AboutResponse>(() => {
      const response = new AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      return response;
    }),
    run: unary<RunRequest, RunResponse>(async (request, call) => {
      const ended = new AbortController();
      call.on("cancelled", () => {
        ended.abort();
      });
      const { bail, error } = await runProgram(
        toProgram(request),
        AbortSignal.any([cancelled.signal, ended.signal]),
      );
      const response = new RunResponse();
      response.setBail(bail);
      response.setError(error);
      return response;
    }),
    cancel: unary<Empty, Empty>(() => {
      cancelled.abort();
      return new Empty();
    }),
  },
  () => {
    cancelled.abort();
  },
);

function toProgram(request: RunRequest): Program {
  const info = request.getInfo();
  const config = new Map<string, string>();
  request.getConfigMap().forEach((value, key) => config.set(key, value));
  return {
    rootDirectory: info?.getRootDirectory() ?? "",
    programDirectory: info?.getProgramDirectory() ?? request.getPwd(),
    entryPoint: info?.getEntryPoint() ?? ".",
    options: info?.getOptions()?.toJavaScript() ?? {},
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    dryRun: request.getDryrun(),
    parallel: request.getParallel(),
    monitorAddress: request.getMonitorAddress(),
    engineAddress: engine,
    config,
    configSecretKeys: request.getConfigsecretkeysList(),
    arguments: request.getArgsList(),
  };
}
