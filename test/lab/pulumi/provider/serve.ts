import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as wire from "@pulumi/pulumi/proto/provider_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { servePlugin, unary } from "./plugin.ts";
import {
  type CheckRequest,
  type CheckResult,
  type DiffRequest,
  type DiffResult,
  type PropertyDiff,
  type Provider,
} from "./provider.ts";
import { mapFromWire, mapToWire, type PropertyMap } from "./values.ts";

/** Serves `provider` to the engine that started this process. */
export async function serveProvider(provider: Provider): Promise<void> {
  await servePlugin(ResourceProviderService, {
    getPluginInfo: unary<Empty, PluginInfo>(() => new PluginInfo().setVersion(provider.version)),
    checkConfig: unary<wire.CheckRequest, wire.CheckResponse>((request) =>
      checkResponse({ inputs: checkRequest(request).news }),
    ),
    diffConfig: unary<wire.DiffRequest, wire.DiffResponse>(() =>
      diffResponse({ changes: false, replaces: [] }),
    ),
    configure: unary<wire.ConfigureRequest, wire.ConfigureResponse>(async (request) => {
      const variables = new Map<string, string>();
      request.getVariablesMap().forEach((value, key) => {
        variables.set(key.slice(key.lastIndexOf(":") + 1), value);
      });
      await provider.configure?.(variables);
      const response = new wire.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    check: unary<wire.CheckRequest, wire.CheckResponse>(async (request) =>
      checkResponse(await provider.check(checkRequest(request))),
    ),
    diff: unary<wire.DiffRequest, wire.DiffResponse>(async (request) =>
      diffResponse(await provider.diff(diffRequest(request))),
    ),
    create: unary<wire.CreateRequest, wire.CreateResponse>(async (request) => {
      const state = await provider.create({
        ...identity(request),
        inputs: fromStruct(request.getProperties()),
        timeoutSeconds: request.getTimeout(),
        preview: request.getPreview(),
      });
      const response = new wire.CreateResponse();
      response.setId(state.id);
      response.setProperties(toStruct(state.properties));
      return response;
    }),
    read: unary<wire.ReadRequest, wire.ReadResponse>(async (request) => {
      const state = await provider.read({
        ...identity(request),
        id: request.getId(),
        properties: fromStruct(request.getProperties()),
        inputs: fromStruct(request.getInputs()),
      });
      const response = new wire.ReadResponse();
      if (state === undefined) return response;
      response.setId(state.id);
      response.setProperties(toStruct(state.properties));
      if (state.inputs) response.setInputs(toStruct(state.inputs));
      return response;
    }),
    update: unary<wire.UpdateRequest, wire.UpdateResponse>(async (request) => {
      const properties = await provider.update({
        ...identity(request),
        id: request.getId(),
        olds: fromStruct(request.getOlds()),
        oldInputs: fromStruct(request.getOldInputs()),
        news: fromStruct(request.getNews()),
        timeoutSeconds: request.getTimeout(),
        ignoreChanges: request.getIgnorechangesList(),
        preview: request.getPreview(),
      });
      const response = new wire.UpdateResponse();
      response.setProperties(toStruct(properties));
      return response;
    }),
    delete: unary<wire.DeleteRequest, Empty>(async (request) => {
      await provider.delete({
        ...identity(request),
        id: request.getId(),
        properties: fromStruct(request.getProperties()),
        oldInputs: fromStruct(request.getOldInputs()),
        timeoutSeconds: request.getTimeout(),
      });
      return new Empty();
    }),
    cancel: unary<Empty, Empty>(() => new Empty()),
  });
}

function fromStruct(struct: Struct | undefined): PropertyMap {
  return struct ? mapFromWire(struct.toJavaScript()) : {};
}

function toStruct(map: PropertyMap): Struct {
  return Struct.fromJavaScript(mapToWire(map));
}

function identity(request: { getUrn(): string }): { urn: string; type: string; name: string } {
  const urn = request.getUrn();
  const [, , type = "", ...name] = urn.split("::");
  return { urn, type: type.slice(type.lastIndexOf("$") + 1), name: name.join("::") };
}

function checkRequest(request: wire.CheckRequest): CheckRequest {
  return {
    ...identity(request),
    olds: fromStruct(request.getOlds()),
    news: fromStruct(request.getNews()),
    randomSeed: request.getRandomseed_asU8(),
  };
}

function checkResponse(result: CheckResult): wire.CheckResponse {
  const response = new wire.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  for (const { property = "", reason } of result.failures ?? []) {
    const failure = new wire.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffRequest(request: wire.DiffRequest): DiffRequest {
  return {
    ...identity(request),
    id: request.getId(),
    olds: fromStruct(request.getOlds()),
    oldInputs: fromStruct(request.getOldInputs()),
    news: fromStruct(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

function diffResponse(result: DiffResult): wire.DiffResponse {
  const response = new wire.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = wire.DiffResponse.DiffChanges;
  response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
  response.setReplacesList([...result.replaces]);
  response.setDiffsList([...(result.diffs ?? [])]);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  if (result.detailedDiff) {
    response.setHasdetaileddiff(true);
    for (const [path, diff] of result.detailedDiff) {
      const property = new wire.PropertyDiff();
      property.setKind(diffKind(diff));
      property.setInputdiff(diff.inputDiff);
      response.getDetaileddiffMap().set(path, property);
    }
  }
  return response;
}

function diffKind({ kind, replace }: PropertyDiff): wire.PropertyDiff.Kind {
  const { Kind } = wire.PropertyDiff;
  switch (kind) {
    case "add":
      return replace ? Kind.ADD_REPLACE : Kind.ADD;
    case "delete":
      return replace ? Kind.DELETE_REPLACE : Kind.DELETE;
    case "update":
      return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE;
  }
}
