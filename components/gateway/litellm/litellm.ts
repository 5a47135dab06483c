import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { bareLiteLlmPolicy, shimmedLiteLlmPolicy } from "../../egress/policies.ts";
import { networkPolicy } from "../../egress/policy.ts";
import { contentHash } from "../../hash.ts";
import { pathLabels, type Role } from "../../labels.ts";
import { restrictedContainer } from "../../restricted.ts";
import { ownPod, singlePod } from "../../single-pod.ts";
import type { ExtraRoute } from "../envoy/endpoints.ts";
import { ports } from "../envoy/ports.ts";
import { DEREGISTRATION_SECONDS, drainingTimeouts, terminationGraceSeconds } from "../path.ts";
import type { CallerTokens } from "../tokens.ts";
import type { GatewayVariant } from "../variant.ts";
import {
  liteLlmCommand,
  liteLlmEnvironment,
  liteLlmPaths,
  renderLiteLlmFiles,
  renderTokensFile,
} from "./config.ts";

export interface LiteLlmArgs {
  /** Namespace that everything is made in. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy; ConfigMap and Secrets carry it as a prefix. */
  readonly objectName: string;
  /** The variant that the pods serve. */
  readonly variant: GatewayVariant;
  /** `gateway` where agents call LiteLLM itself, `litellm` where Envoy does. */
  readonly role: Role;
  /** Image of LiteLLM. */
  readonly image: string;
  /** Who may call it, with the tokens that are accepted of each. */
  readonly callers: pulumi.Input<CallerTokens>;
  /** The upstream credential: an API key, or an OAuth token, which LiteLLM tells apart itself. */
  readonly credential: pulumi.Input<string>;
  /** Base URL of the upstream, without a path. */
  readonly upstreamBaseUrl: pulumi.Input<string>;
  /** What is open beside the two message routes. Default nothing. */
  readonly routes?: readonly ExtraRoute[];
  /** Host names that the pods know by themselves. Behind Envoy they can look up none. Default none. */
  readonly hostAliases?: pulumi.Input<{ ip: string; hostnames: string[] }[]>;
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open requests when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
}

/** Claude Code gives up on a silent stream after 300 s; LiteLLM must not be the first to. */
const UPSTREAM_TIMEOUT_SECONDS = 900;
const USER = 65_534;

/** LiteLLM's passthrough: one pod with its configuration, accepted tokens and upstream credential. */
export class LiteLlm extends pulumi.ComponentResource {
  /** Labels that select the pod. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** The Deployment: to depend on it is to wait until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: LiteLlmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:LiteLlm", name, {}, opts);
    const { namespace, objectName, variant, agentNamespaces } = args;
    const metadata = (suffix: string) => ({ namespace, name: `${objectName}-${suffix}` });

    const files = renderLiteLlmFiles({ upstreamTimeoutSeconds: UPSTREAM_TIMEOUT_SECONDS });
    const config = new k8s.core.v1.ConfigMap(
      `${name}-config`,
      { metadata: metadata("config"), data: files },
      { parent: this },
    );

    const tokens = new k8s.core.v1.Secret(
      `${name}-tokens`,
      {
        metadata: metadata("tokens"),
        stringData: {
          "tokens.json": pulumi.secret(pulumi.output(args.callers).apply(renderTokensFile)),
        },
      },
      { parent: this },
    );

    const masterKey = new random.RandomPassword(
      `${name}-master-key`,
      { length: 48, special: false },
      { parent: this },
    );
    const credentialData = pulumi.secret({
      ANTHROPIC_API_KEY: args.credential,
      LITELLM_MASTER_KEY: pulumi.concat("sk-", masterKey.result),
    });
    const credentials = new k8s.core.v1.Secret(
      `${name}-credentials`,
      { metadata: metadata("credentials"), stringData: credentialData },
      { parent: this },
    );

    const policy = networkPolicy(
      `${name}-policy`,
      {
        namespace,
        policyName: objectName,
        spec:
          args.role === "gateway"
            ? bareLiteLlmPolicy({ variant, agentNamespaces })
            : shimmedLiteLlmPolicy({ variant }),
      },
      { parent: this },
    );

    const { deployment, selector } = singlePod(
      `${name}-deployment`,
      ownPod({
        namespace,
        labels: pathLabels(args.role, variant),
        annotations: {
          // LiteLLM reads both at its start only, so a change has to roll the pod.
          "claude-gateway/config-hash": contentHash(JSON.stringify(files)),
          "claude-gateway/credential-hash": pulumi.secret(
            pulumi.jsonStringify(credentialData).apply(contentHash),
          ),
        },
        user: USER,
        pod: {
          terminationGracePeriodSeconds: terminationGraceSeconds(args.drainSeconds),
          ...(args.hostAliases && { hostAliases: args.hostAliases }),
          containers: [
            {
              name: "litellm",
              image: args.image,
              command: liteLlmCommand({ port: ports.litellm, drainSeconds: args.drainSeconds }),
              ports: [{ name: "http", containerPort: ports.litellm }],
              env: pulumi.output(args.upstreamBaseUrl).apply((upstreamBaseUrl) =>
                Object.entries(
                  liteLlmEnvironment({
                    drainSeconds: args.drainSeconds,
                    upstreamBaseUrl,
                    ...(args.routes && { routes: args.routes }),
                  }),
                ).map(([name, value]) => ({ name, value })),
              ),
              envFrom: [{ secretRef: { name: credentials.metadata.name } }],
              securityContext: restrictedContainer,
              resources: {
                requests: { cpu: "250m", memory: "512Mi" },
                limits: { memory: "1536Mi" },
              },
              startupProbe: {
                httpGet: { path: "/health/liveliness", port: "http" },
                periodSeconds: 2,
                failureThreshold: 90,
              },
              readinessProbe: {
                httpGet: { path: "/health/readiness", port: "http" },
                periodSeconds: 5,
                timeoutSeconds: 5,
              },
              livenessProbe: {
                httpGet: { path: "/health/liveliness", port: "http" },
                periodSeconds: 10,
                timeoutSeconds: 10,
                failureThreshold: 6,
              },
              lifecycle: { preStop: { sleep: { seconds: DEREGISTRATION_SECONDS } } },
              volumeMounts: [
                { name: "config", mountPath: liteLlmPaths.config, readOnly: true },
                { name: "tokens", mountPath: liteLlmPaths.tokens, readOnly: true },
                { name: "tmp", mountPath: "/tmp" },
              ],
            },
          ],
          volumes: [
            { name: "config", configMap: { name: config.metadata.name } },
            { name: "tokens", secret: { secretName: tokens.metadata.name } },
            { name: "tmp", emptyDir: { sizeLimit: "256Mi" } },
          ],
        },
      }),
      { parent: this, dependsOn: [policy], customTimeouts: drainingTimeouts(args.drainSeconds) },
    );

    this.deployment = deployment;
    this.selector = selector;
    this.registerOutputs({ selector });
  }
}
