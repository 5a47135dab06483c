import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { envoyPolicy } from "../../egress/policies.ts";
import { networkPolicy } from "../../egress/policy.ts";
import { contentHash } from "../../hash.ts";
import { pathLabels } from "../../labels.ts";
import { restrictedContainer } from "../../restricted.ts";
import { ownPod, singlePod } from "../../single-pod.ts";
import { drainContainer, drainFiles, drainHook } from "../drain/drain.ts";
import { drainingTimeouts, terminationGraceSeconds } from "../path.ts";
import type { CallerTokens } from "../tokens.ts";
import type { GatewayVariant } from "../variant.ts";
import type { EnvoyConfigArgs, HttpPathArgs } from "./args.ts";
import { envoyCommandArgs } from "./command.ts";
import { memoryMiB } from "./limits.ts";
import { ports } from "./ports.ts";
import { renderEnvoyConfig, renderEnvoySecrets } from "./render.ts";
import { STARTUP_PROBE_SECONDS } from "./timeouts.ts";
import { fileNames, mounts } from "./volumes.ts";

export interface EnvoyArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy; ConfigMaps and Secret carry it as a prefix. */
  readonly objectName: string;
  /** The variant that the pods serve. */
  readonly variant: GatewayVariant;
  readonly images: { readonly envoy: string; readonly node: string };
  /** What Envoy does. */
  readonly config: pulumi.Input<EnvoyConfigArgs>;
  /** Accepted tokens by agent. Unused on `envoy-sni`. */
  readonly agents: pulumi.Input<CallerTokens>;
  /** What Envoy shows to the next hop. Unused on `envoy-sni`. */
  readonly credential: pulumi.Input<string>;
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open streams when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
}

/** The user of Envoy's distroless image. */
const USER = 65_532;

/** Envoy as the agents' gateway: one pod whose configuration, tokens and credential change in place. */
export class Envoy extends pulumi.ComponentResource {
  /** Labels that select the pod. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** The Deployment: to depend on it is to wait until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: EnvoyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Envoy", name, {}, opts);
    const { namespace, objectName, variant, agentNamespaces, drainSeconds } = args;
    const metadata = (suffix: string) => ({ namespace, name: `${objectName}-${suffix}` });

    const files = pulumi.output(args.config).apply((config) => renderEnvoyConfig(config));
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      { metadata: metadata("config"), data: files },
      { parent: this },
    );

    const drain = new k8s.core.v1.ConfigMap(
      `${name}-drain`,
      { metadata: metadata("drain"), data: drainFiles() },
      { parent: this },
    );

    const secrets =
      variant === "envoy-sni"
        ? undefined
        : new k8s.core.v1.Secret(
            `${name}-secrets`,
            { metadata: metadata("secrets"), stringData: secretFiles(args) },
            { parent: this },
          );

    const policy = networkPolicy(
      `${name}-policy`,
      { namespace, policyName: objectName, spec: envoyPolicy({ variant, agentNamespaces }) },
      { parent: this },
    );

    const servesHttp = variant !== "envoy-sni";
    const passesTls = variant === "envoy-sni" || variant === "hybrid";
    const hasEgress = variant === "shim" || variant === "hybrid";

    const { deployment, selector } = singlePod(
      `${name}-deployment`,
      ownPod({
        namespace,
        labels: pathLabels("gateway", variant),
        annotations: {
          // Everything else in the volumes is watched; this is read at the start only.
          "claude-gateway/bootstrap-hash": files.apply((rendered) =>
            contentHash(rendered[fileNames.bootstrap] ?? ""),
          ),
          "claude-gateway/drain-hash": contentHash(JSON.stringify(drainFiles())),
        },
        user: USER,
        pod: {
          terminationGracePeriodSeconds: terminationGraceSeconds(drainSeconds),
          initContainers: [drainContainer({ image: args.images.node, drainSeconds })],
          containers: [
            {
              name: "envoy",
              image: args.images.envoy,
              command: ["/usr/local/bin/envoy"],
              args: [...envoyCommandArgs({ drainSeconds })],
              ports: [
                ...(servesHttp ? [{ name: "http", containerPort: ports.agents }] : []),
                ...(passesTls ? [{ name: "tls", containerPort: ports.sni }] : []),
                ...(hasEgress ? [{ name: "egress", containerPort: ports.egress }] : []),
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
              // Not /ready, which says no as soon as a drain begins: what LiteLLM has open still comes through here.
              readinessProbe: {
                tcpSocket: { port: servesHttp ? "http" : "tls" },
                periodSeconds: 2,
              },
              livenessProbe: { tcpSocket: { port: "health" }, periodSeconds: 10 },
              lifecycle: { preStop: drainHook },
              volumeMounts: [
                { name: "config", mountPath: mounts.config, readOnly: true },
                ...(secrets === undefined
                  ? []
                  : [{ name: "secrets", mountPath: mounts.secrets, readOnly: true }]),
              ],
            },
          ],
          volumes: [
            { name: "config", configMap: { name: config.metadata.name } },
            { name: "drain", configMap: { name: drain.metadata.name } },
            ...(secrets === undefined
              ? []
              : [{ name: "secrets", secret: { secretName: secrets.metadata.name } }]),
          ],
        },
      }),
      { parent: this, dependsOn: [policy], customTimeouts: drainingTimeouts(drainSeconds) },
    );

    this.deployment = deployment;
    this.selector = selector;
    this.registerOutputs({ selector });
  }
}

function secretFiles(args: EnvoyArgs): pulumi.Output<Record<string, string>> {
  const { config, agents, credential } = args;
  return pulumi.secret(
    pulumi.all([config, agents, credential]).apply(([config, agents, credential]) => ({
      ...renderEnvoySecrets(config as HttpPathArgs, {
        agents: Object.entries(agents).map(([name, tokens]) => ({ name, tokens })),
        credential,
      }),
    })),
  );
}
