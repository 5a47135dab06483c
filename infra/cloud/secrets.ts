import * as pulumi from "@pulumi/pulumi";
import { Secret } from "@pulumi/gcp/secretmanager/secret.js";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion.js";
import { RandomPassword } from "@pulumi/random/randomPassword.js";

export interface HostSecretsArgs {
  /** Prefix of the secrets' names in Secret Manager. */
  readonly name: string;
  /** Protects the token from deletion: without the token the data disk cannot be used again. */
  readonly protect: boolean;
  /** Credentials of private registries, as one text. Default: no such secret. */
  readonly pullCredentials?: pulumi.Input<string> | undefined;
}

/**
 * A host's secrets in Secret Manager: the k3s token; the kubeconfig, to which the machine adds versions; and, if there are
 * any, the credentials of private registries.
 */
export class HostSecrets extends pulumi.ComponentResource {
  readonly token: Secret;
  readonly tokenVersion: SecretVersion;
  readonly kubeconfig: Secret;
  readonly pullCredentials: Secret | undefined;

  constructor(name: string, args: HostSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:HostSecrets", name, {}, opts);
    const parent = { parent: this };
    const kept = { parent: this, protect: args.protect };

    const value = new RandomPassword(`${name}-k3s-token`, { length: 48, special: false }, kept);
    this.token = new Secret(
      `${name}-k3s-token`,
      {
        secretId: `${args.name}-k3s-token`,
        replication: { auto: {} },
        deletionProtection: args.protect,
      },
      kept,
    );
    this.tokenVersion = new SecretVersion(
      `${name}-k3s-token`,
      { secret: this.token.id, secretData: value.result },
      kept,
    );
    this.kubeconfig = new Secret(
      `${name}-kubeconfig`,
      { secretId: `${args.name}-kubeconfig`, replication: { auto: {} }, deletionProtection: false },
      parent,
    );
    if (args.pullCredentials !== undefined) {
      this.pullCredentials = new Secret(
        `${name}-pull-credentials`,
        {
          secretId: `${args.name}-pull-credentials`,
          replication: { auto: {} },
          deletionProtection: false,
        },
        parent,
      );
      new SecretVersion(
        `${name}-pull-credentials`,
        { secret: this.pullCredentials.id, secretData: args.pullCredentials },
        parent,
      );
    }
    this.registerOutputs({ kubeconfigSecret: this.kubeconfig.secretId });
  }
}
