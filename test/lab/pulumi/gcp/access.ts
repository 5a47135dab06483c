import { type Kind, text } from "./kind.ts";

/** Accounts, what they may do, and the secrets. */
export const ACCESS: Readonly<Record<string, Kind>> = {
  "gcp:secretmanager/secret:Secret": {
    id: ({ secretId }, project) => `projects/${project}/secrets/${text(secretId)}`,
    replaces: ["secretId", "replication"],
    outputs: (inputs, made) => ({
      name: `projects/${made.number}/secrets/${text(inputs.secretId)}`,
      createTime: made.time,
      expireTime: "",
      effectiveLabels: {},
      effectiveAnnotations: {},
      pulumiLabels: {},
    }),
    uses: () => [],
  },
  "gcp:secretmanager/secretVersion:SecretVersion": {
    id: ({ secret }) => `${text(secret)}/versions/1`,
    replaces: ["secret", "secretData"],
    outputs: (_, made) => ({
      name: made.id,
      version: "1",
      createTime: made.time,
      destroyTime: "",
      enabled: true,
    }),
    uses: ({ secret }) => [secret as string],
  },
  "gcp:secretmanager/secretIamMember:SecretIamMember": {
    id: ({ secretId, role, member }) => [secretId, role, member].map(text).join("/"),
    replaces: ["secretId", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ secretId, member }) => [
      secretId as string,
      text(member).replace("serviceAccount:", ""),
    ],
  },
  "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": {
    id: ({ project, location, repository, role, member }) =>
      `projects/${text(project)}/locations/${text(location)}/repositories/${text(repository)}/${text(role)}/${text(member)}`,
    replaces: ["project", "location", "repository", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ member }) => [text(member).replace("serviceAccount:", "")],
  },
  "gcp:projects/iAMMember:IAMMember": {
    id: ({ project, role, member }) => [project, role, member].map(text).join("/"),
    replaces: ["project", "role", "member", "condition"],
    outputs: () => ({ etag: "BwYx" }),
    uses: ({ member }) => [text(member).replace("serviceAccount:", "")],
  },
  "gcp:serviceaccount/account:Account": {
    id: ({ accountId }, project) =>
      `projects/${project}/serviceAccounts/${text(accountId)}@${project}.iam.gserviceaccount.com`,
    replaces: ["accountId"],
    outputs: ({ accountId }, made) => {
      const email = `${text(accountId)}@${made.project}.iam.gserviceaccount.com`;
      return { name: made.id, email, member: `serviceAccount:${email}`, uniqueId: made.number };
    },
    uses: () => [],
  },
};
