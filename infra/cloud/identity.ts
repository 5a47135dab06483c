import * as pulumi from "@pulumi/pulumi";
import { RepositoryIamMember } from "@pulumi/gcp/artifactregistry/repositoryIamMember.js";
import type { Secret } from "@pulumi/gcp/secretmanager/secret.js";
import { IAMMember } from "@pulumi/gcp/projects/iammember.js";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";

/** A repository of Artifact Registry. */
export interface Repository {
  readonly project: string;
  /** Region or multi-region, for example `europe-west1` or `europe`. */
  readonly location: string;
  readonly repository: string;
}

const LOG_ROLES = ["roles/logging.logWriter", "roles/monitoring.metricWriter"];

export interface IdentityArgs {
  /** Account id: 6 to 30 characters. */
  readonly accountId: string;
  /** Secrets whose latest version the machine may read. */
  readonly reads: Readonly<Record<string, Secret>>;
  /** Secrets to which the machine may add a version, and whose older versions it may destroy. It may not read them. */
  readonly publishes: Readonly<Record<string, Secret>>;
  /** Repositories from which the machine may pull images. */
  readonly pullsFrom: readonly Repository[];
  /** Project to whose Cloud Logging and Monitoring the machine may write. Default: none. */
  readonly logsTo?: string | undefined;
}

/** The machine's service account. Its only roles are those on the named secrets and repositories, and to write logs. */
export class Identity extends pulumi.ComponentResource {
  readonly email: pulumi.Output<string>;
  /** What must be granted before the machine boots. */
  readonly grants: SecretIamMember[];

  constructor(name: string, args: IdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:infra:Identity", name, {}, opts);
    const parent = { parent: this };

    const account = new Account(
      `${name}-account`,
      { accountId: args.accountId, displayName: "claude-gateway host" },
      parent,
    );
    const grant = (verb: string, role: string) => {
      return ([key, secret]: [string, Secret]): SecretIamMember =>
        new SecretIamMember(
          `${name}-${verb}-${key}`,
          { secretId: secret.id, role, member: account.member },
          parent,
        );
    };
    this.email = account.email;
    this.grants = [
      ...Object.entries(args.reads).map(grant("reads", "roles/secretmanager.secretAccessor")),
      ...Object.entries(args.publishes).map(
        grant("publishes", "roles/secretmanager.secretVersionManager"),
      ),
    ];
    for (const { project, location, repository } of args.pullsFrom) {
      new RepositoryIamMember(
        `${name}-pulls-${project}-${location}-${repository}`,
        {
          project,
          location,
          repository,
          role: "roles/artifactregistry.reader",
          member: account.member,
        },
        parent,
      );
    }
    // What the Ops Agent needs; it also measures itself. Both roles only write.
    // https://cloud.google.com/stackdriver/docs/solutions/agents/ops-agent/authorization
    for (const role of args.logsTo === undefined ? [] : LOG_ROLES) {
      new IAMMember(
        `${name}-${role.replace("roles/", "")}`,
        { project: args.logsTo ?? "", role, member: account.member },
        parent,
      );
    }
    this.registerOutputs({ email: this.email });
  }
}
