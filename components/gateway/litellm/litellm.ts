import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { contentHash } from "../../kubernetes/content-hash.ts";
import { pathLabels } from "../../kubernetes/labels.ts";
import { ports } from "../../kubernetes/ports.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { workload } from "../../kubernetes/workload.ts";
import type { CallerTokens } from "../api/credentials.ts";
import type { ExtraRoute } from "../api/endpoints.ts";
import {
  DEREGISTRATION_SECONDS,
  drainingTimeouts,
  terminationGraceSeconds,
} from "../drain/times.ts";
import type { Variant } from "../paths/variant.ts";
import {
  liteLlmCommand,
  liteLlmEnvironment,
  liteLlmPaths,
  renderLiteLlmFiles,
  renderTokensFile,
} from "./config.ts";
import { liteLlmPolicy } from "./policy.ts";

export interface LiteLlmArgs {
  /** Namespace of the gateway. */
  readonly namespace: pulumi.Input<string>;
  /** Name of the policy, and prefix of the names of the ConfigMap and the Secrets. */
  readonly objectName: string;
  /** The variant that the pods serve. It says whether agents or Envoy call LiteLLM. */
  readonly variant: Variant;
  /** Image of LiteLLM. */
  readonly image: string;
  /** Who may call LiteLLM: the accepted tokens by caller. */
  readonly callers: pulumi.Input<CallerTokens>;
  /** What LiteLLM shows upstream: an API key, an OAuth token, or Envoy's placeholder. LiteLLM recognises which it is. */
  readonly credential: pulumi.Input<string>;
  /** Base URL of the upstream, without a path. */
  readonly upstreamBaseUrl: pulumi.Input<string>;
  /** Optional routes that are open besides the two message routes. Default none. */
  readonly routes?: readonly ExtraRoute[];
  /** Host names that the pods resolve without DNS. Behind Envoy, LiteLLM has no DNS. Default none. */
  readonly hostAliases?: pulumi.Input<{ ip: string; hostnames: string[] }[]>;
  /** Labels that every namespace of the agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** Longest wait for open requests when a pod is replaced, in seconds. */
  readonly drainSeconds: number;
}

/** Claude Code gives up on a silent stream after 300 s. LiteLLM must wait longer. */
const UPSTREAM_TIMEOUT_SECONDS = 900;
const USER = 65_534;

/** LiteLLM's passthrough: one pod with its configuration, the accepted tokens and what it shows upstream. */
export class LiteLlm extends pulumi.ComponentResource {
  /** Labels that select the pod. */
  readonly selector: Record<string, pulumi.Input<string>>;
  /** The Deployment. A resource that depends on it waits until the pod is Ready. */
  readonly deployment: k8s.apps.v1.Deployment;

  constructor(name: string, args: LiteLlmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:LiteLlm", name, {}, opts);
    const { namespace, objectName, variant, drainSeconds } = args;

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
      { metadata: { namespace, name: `${objectName}-credentials` }, stringData: credentialData },
      { parent: this },
    );

    const { deployment, selector } = workload(
      name,
      {
        namespace,
        objectName,
        labels: pathLabels(
          variant.litellm === "called-by-agents" ? "gateway" : "litellm",
          variant.name,
        ),
        policy: liteLlmPolicy(variant, args.agentNamespaces),
        user: USER,
        files: [
          {
            volume: "config",
            objectName: `${objectName}-config`,
            mountPath: liteLlmPaths.config,
            data: renderLiteLlmFiles({ upstreamTimeoutSeconds: UPSTREAM_TIMEOUT_SECONDS }),
            // LiteLLM reads its configuration only at its start.
            rollsOn: { name: "config", text: (files) => JSON.stringify(files) },
          },
          {
            volume: "tokens",
            objectName: `${objectName}-tokens`,
            mountPath: liteLlmPaths.tokens,
            data: {
              "tokens.json": pulumi.secret(pulumi.output(args.callers).apply(renderTokensFile)),
            },
            secret: true,
          },
        ],
        // LiteLLM also reads its environment only at its start.
        annotations: {
          "claude-gateway/credential-hash": pulumi.secret(
            pulumi.jsonStringify(credentialData).apply(contentHash),
          ),
        },
        container: {
          name: "litellm",
          image: args.image,
          command: liteLlmCommand({ port: ports.litellm, drainSeconds }),
          ports: [{ name: "http", containerPort: ports.litellm }],
          env: pulumi.output(args.upstreamBaseUrl).apply((upstreamBaseUrl) =>
            Object.entries(
              liteLlmEnvironment({
                drainSeconds,
                upstreamBaseUrl,
                ...(args.routes && { routes: args.routes }),
              }),
            ).map(([name, value]) => ({ name, value })),
          ),
          envFrom: [{ secretRef: { name: credentials.metadata.name } }],
          securityContext: restrictedContainer,
          resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { memory: "1536Mi" } },
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
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        },
        pod: {
          terminationGracePeriodSeconds: terminationGraceSeconds(drainSeconds),
          ...(args.hostAliases && { hostAliases: args.hostAliases }),
          volumes: [{ name: "tmp", emptyDir: { sizeLimit: "256Mi" } }],
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
