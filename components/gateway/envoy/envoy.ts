import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { pathLabels } from "../../kubernetes/labels.ts";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import type { PriceTable } from "../../usage/prices/table.ts";
import { workload } from "../../kubernetes/workload.ts";
import { recordAccess, recordVolume } from "../../usage/record/place.ts";
import type { Collector } from "../../usage/telemetry/collector.ts";
import type { CallerTokens } from "../api/credentials.ts";
import type { ExtraRoute } from "../api/endpoints.ts";
import { drainContainer, drainFiles, drainHook } from "../drain/drain.ts";
import { drainingTimeouts, terminationGraceSeconds } from "../drain/times.ts";
import {
  isMetered,
  type ListenerName,
  listenersWith,
  servesHttp,
  type Variant,
} from "../paths/variant.ts";
import type { EnvoyConfigArgs, LiteLlmSecrets, OtlpArgs } from "./args.ts";
import type { BudgetsArgs } from "./budgets.ts";
import type { RealCredential } from "../real-credential.ts";
import { envoyCommandArgs } from "./command.ts";
import { memoryMiB } from "./limits.ts";
import { mintedPod, notMinted } from "./minted.ts";
import { envoyPolicy } from "./policy.ts";
import { renderEnvoyConfig, renderEnvoySecrets } from "./render.ts";
import type { ServerFetch } from "./server-fetch.ts";
import { STARTUP_PROBE_SECONDS } from "./timeouts.ts";
import { fileNames, mounts } from "./volumes.ts";

export interface EnvoyArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy, and prefix of the names of the ConfigMaps and the Secret. */
  readonly objectName: string;
  /** The variant that the pods serve. */
  readonly variant: Variant;
  readonly images: { readonly envoy: string; readonly node: string };
  /** Optional routes that are open besides the two message routes. */
  readonly routes: readonly ExtraRoute[];
  /** Hosts that agents reach by TLS. */
  readonly allowHosts: readonly string[];
  /** Whether agents may make the API's servers fetch something. Unused where Envoy does not see the requests. */
  readonly serverFetch: ServerFetch;
  /** Prices of the models that the meter counts. Default: the list prices. */
  readonly prices?: PriceTable;
  /** LiteLLM, where it is the next hop. Default: the API is the next hop. */
  readonly litellm?: {
    /** Host name of its Service. */
    readonly host: pulumi.Input<string>;
    /** What Envoy and LiteLLM show each other. */
    readonly secrets: pulumi.Input<LiteLlmSecrets>;
  };
  /** Accepted tokens by agent. Unused where the agent holds the credential. */
  readonly agents: pulumi.Input<CallerTokens>;
  /** The real credential, for requests to the API. Absent where the agent holds it. */
  readonly credential?: RealCredential | undefined;
  /** What agents may spend, on a metered variant. Default no limit. */
  readonly budgets?: pulumi.Input<BudgetsArgs> | undefined;
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open streams when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
  /** Name of the claim on the record's volume. Unused where Envoy does not see the answers. Default: no record. */
  readonly record?: pulumi.Input<string>;
  /** Where records and agents' telemetry go. Default: nowhere. */
  readonly otlp?:
    (Collector & { readonly headers: Readonly<Record<string, pulumi.Input<string>>> }) | undefined;
}

/** The user of Envoy's distroless image. */
const USER = 65_532;

/**
 * Container ports by listener, in the order of the pod's list. An earlier release, whose LiteLLM held the real credential,
 * named its port `egress`. The Service of LiteLLM's way out finds pods by the port's name, and so none of that release.
 */
const CONTAINER_PORTS: Readonly<Record<ListenerName, { name: string; containerPort: number }>> = {
  agents: { name: "http", containerPort: ports.agents },
  sni: { name: "tls", containerPort: ports.sni },
  egress: { name: "upstream", containerPort: ports.egress },
};

/** Envoy as the agents' gateway: one pod. Its configuration, tokens and credential can change while it runs. */
export class Envoy extends pulumi.ComponentResource {
  /** Labels that select the pod. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** The Deployment. A resource that depends on it waits until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: EnvoyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Envoy", name, {}, opts);
    const { objectName, variant, images, credential, drainSeconds } = args;
    const http = servesHttp(variant);
    const claim = isMetered(variant) ? args.record : undefined;
    const record = claim !== undefined;
    const minted =
      credential !== undefined && "source" in credential
        ? mintedPod(credential, { objectName, image: images.node })
        : notMinted;
    const volumeMounts = [...(record ? recordAccess.volumeMounts : []), ...minted.volumeMounts];
    const listeners = listenersWith(variant, args.allowHosts);
    const listening = (Object.keys(CONTAINER_PORTS) as ListenerName[]).filter((listener) =>
      listeners.includes(listener),
    );

    const { deployment, selector } = workload(
      name,
      {
        namespace: args.namespace,
        objectName,
        labels: pathLabels("gateway", variant.name),
        policy: envoyPolicy(variant, args.agentNamespaces, {
          allow: args.allowHosts,
          budgets: args.budgets !== undefined,
          otlp: args.otlp,
        }),
        user: USER,
        // Envoy rejects a cluster whose secret file is not there yet, and the two volumes change at different times: with a
        // new header, a new pod finds both.
        ...(args.otlp && {
          annotations: { "claude-gateway/otlp-headers": otlpArgs(args.otlp).headerNames.join(",") },
        }),
        files: [
          {
            volume: "config",
            objectName: `${objectName}-config`,
            mountPath: mounts.config,
            data: configArgs(args).apply(renderEnvoyConfig),
            // Envoy watches the other files, but reads this one only at its start.
            rollsOn: { name: "bootstrap", text: (files) => files[fileNames.bootstrap] ?? "" },
          },
          {
            volume: "drain",
            objectName: `${objectName}-drain`,
            data: drainFiles(record),
            rollsOn: { name: "drain", text: (files) => JSON.stringify(files) },
          },
          ...(http
            ? [
                {
                  volume: "secrets",
                  objectName: `${objectName}-secrets`,
                  mountPath: mounts.secrets,
                  data: secretFiles(args),
                  secret: true,
                },
              ]
            : []),
          ...minted.files,
        ],
        container: {
          name: "envoy",
          image: images.envoy,
          command: ["/usr/local/bin/envoy"],
          args: [...envoyCommandArgs({ drainSeconds })],
          ...(record && { env: recordAccess.env }),
          ...(volumeMounts.length > 0 && { volumeMounts }),
          ports: [
            ...listening.map((listener) => CONTAINER_PORTS[listener]),
            ...(args.otlp === undefined ? [] : [{ name: "otlp", containerPort: ports.otlp }]),
            { name: "health", containerPort: ports.health },
          ],
          securityContext: restrictedContainer,
          resources: {
            requests: { cpu: "100m", memory: "128Mi" },
            limits: { memory: `${memoryMiB(variant).pod}Mi` },
          },
          startupProbe: {
            httpGet: { path: "/ready", port: "health" },
            periodSeconds: 1,
            failureThreshold: STARTUP_PROBE_SECONDS,
          },
          // Not /ready, which fails as soon as a drain begins: LiteLLM's open requests still need this pod then.
          readinessProbe: { tcpSocket: { port: http ? "http" : "tls" }, periodSeconds: 2 },
          livenessProbe: { tcpSocket: { port: "health" }, periodSeconds: 10 },
          lifecycle: { preStop: drainHook },
        },
        pod: {
          terminationGracePeriodSeconds: terminationGraceSeconds(drainSeconds),
          initContainers: [
            drainContainer({ image: images.node, drainSeconds, record }),
            ...minted.initContainers,
          ],
          volumes: [...(record ? [recordVolume(claim)] : []), ...minted.volumes],
          ...minted.spec,
        },
        customTimeouts: drainingTimeouts(drainSeconds),
      },
      { parent: this },
    );

    this.deployment = deployment;
    this.selector = selector;
    this.registerOutputs({ selector });
  }
}

function configArgs(args: EnvoyArgs): pulumi.Output<EnvoyConfigArgs> {
  const { variant, credential, routes, allowHosts, serverFetch } = args;
  return pulumi.all([args.litellm?.host, args.budgets]).apply(([litellmHost, budgets]) => ({
    variant,
    ...(credential && { credentialKind: credential.kind }),
    routes,
    allowHosts,
    serverFetch,
    budgets,
    record: args.record !== undefined,
    ...(litellmHost !== undefined && { litellmHost }),
    ...(args.otlp && { otlp: otlpArgs(args.otlp) }),
  }));
}

function otlpArgs({ headers, ...collector }: NonNullable<EnvoyArgs["otlp"]>): OtlpArgs {
  return { ...collector, headerNames: Object.keys(headers).sort() };
}

function secretFiles(args: EnvoyArgs): pulumi.Output<Record<string, string>> {
  const stored =
    args.credential !== undefined && "value" in args.credential ? args.credential.value : undefined;
  return pulumi.secret(
    pulumi
      .all([args.litellm, args.budgets, args.agents, stored, args.otlp?.headers ?? {}])
      .apply(([litellm, budgets, agents, credential, otlpHeaders]) => ({
        ...renderEnvoySecrets(
          {
            variant: args.variant,
            ...(args.credential && { credentialKind: args.credential.kind }),
            routes: args.routes,
            ...(args.prices !== undefined && { prices: args.prices }),
            budgets,
            ...(litellm && { litellmHost: litellm.host }),
            ...(args.otlp && { otlp: otlpArgs(args.otlp) }),
          },
          {
            agents: Object.entries(agents).map(([name, tokens]) => ({ name, tokens })),
            credential,
            litellm: litellm?.secrets,
            otlpHeaders,
          },
        ),
      })),
  );
}
