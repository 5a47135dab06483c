import { createPrivateKey } from "node:crypto";
import { z } from "zod";

const KEY = "egress.github";

/** Why `value` is not the name of a repository; `undefined` when it is one. */
export function repositoryProblem(value: string): string | undefined {
  const short = value
    .replace(/^(?:[a-z+]+:\/\/)?(?:[^/@]+@)?github\.com[/:]/i, "")
    .replace(/\/$/, "")
    .replace(/\.git$/i, "");
  const isName = /^[^/\s]+\/[^/\s]+$/.test(short);
  if (/^[a-z+]+:\/\/|^[^/]+@|^github\.com\//i.test(value)) {
    return `is an address: write only owner/name${isName ? `, "${short}"` : ""}`;
  }
  if (value.includes("*")) {
    return "is a wildcard: list each repository, because a wildcard also allows those that nobody reviewed";
  }
  if (/\.git$/i.test(value)) return `ends with .git: write "${short}"`;
  if (/\.wiki$/i.test(value)) return "is a wiki: only repositories can be listed";
  const [, name = ""] =
    /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38}[A-Za-z0-9])?\/([A-Za-z0-9._-]{1,100})$/.exec(value) ?? [];
  if (name === "" || name === "." || name === "..") {
    return 'is not the name of a repository: write owner/name, for example "octo-org/hello"';
  }
  return undefined;
}

const Repositories = z.array(
  z.string().superRefine((value, context) => {
    const message = repositoryProblem(value);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  }),
);

const AgentConfig = z
  .strictObject({
    read: Repositories.default([]).describe(
      "Repositories, as owner/name, that the agent may read. Default none.",
    ),
    write: Repositories.default([]).describe(
      "Repositories, as owner/name, that the agent may read and change. Default none.",
    ),
  })
  .superRefine(({ read, write }, context) => {
    const seen = new Set<string>();
    for (const [list, names] of [
      ["write", write],
      ["read", read],
    ] as const) {
      names.forEach((name, index) => {
        const message =
          list === "read" && write.some((other) => same(other, name))
            ? "is also listed with write, which includes reading: remove it here"
            : "is listed twice, because names on GitHub have no case: remove one";
        if (seen.has(name.toLowerCase())) {
          context.addIssue({ code: "custom", path: [list, index], message });
        }
        seen.add(name.toLowerCase());
      });
    }
  });

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** An id that `pulumi config set` stores as a number if it looks like one. */
function id(form: RegExp, message: string) {
  return z.union([z.int(), z.string()]).refine((value) => form.test(String(value)), { message });
}

const App = z.strictObject({
  kind: z.literal("app").describe("A GitHub App. The gateway makes its tokens, each for one hour."),
  appId: id(
    /^(\d+|Iv[\w.]+)$/,
    `is not the id of a GitHub App, a number or Iv…: pulumi config set --path ${KEY}.credential.appId <id>`,
  ).describe("The App's id or client id, from its settings."),
  installationId: id(
    /^\d+$/,
    `is not the id of an installation, the number at the end of its address on GitHub: pulumi config set --path ${KEY}.credential.installationId <id>`,
  ).describe("Id of the App's installation: the number at the end of its address on GitHub."),
  privateKey: z
    .string()
    .refine(isRsaKey, {
      message: `is no RSA private key in PEM form: set the file that GitHub made for the App: pulumi config set --secret --path ${KEY}.credential.privateKey < key.pem`,
    })
    .describe("The App's private key, in PEM form. Set it with `--secret`."),
});

const SET_TOKEN = `pulumi config set --secret --path ${KEY}.credential.value`;

const Token = z.strictObject({
  kind: z
    .literal("token")
    .describe(
      "A fine-grained personal access token. It ends when GitHub says; then set a new one.",
    ),
  value: z
    .string()
    .superRefine((value, context) => {
      const message = tokenProblem(value);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe("The token (github_pat_…). Set it with `--secret`."),
});

function tokenProblem(value: string): string | undefined {
  if (/^github_pat_\w{20,}$/.test(value)) return undefined;
  if (/^ghp_/.test(value)) {
    return `is a classic token, which can be used for every repository of its owner: make a fine-grained one for the listed repositories: ${SET_TOKEN}`;
  }
  if (/^gh[a-z]_/.test(value)) {
    return `is a token that ends within hours: make a fine-grained one, or use an App (kind: app): ${SET_TOKEN}`;
  }
  return `is not a fine-grained token (github_pat_…): ${SET_TOKEN}`;
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

/** Repositories on GitHub by agent, and the gateway's credential for them. */
export const GithubConfig = z.strictObject({
  credential: z.discriminatedUnion("kind", [App, Token]),
  agents: z
    .record(z.string(), AgentConfig)
    .refine(
      (agents) => Object.values(agents).some(({ read, write }) => read.length + write.length > 0),
      {
        message: `lists no repository: pulumi config set --path '${KEY}.agents.<agent>.write[0]' owner/name`,
      },
    )
    .describe("Repositories by the agent's name."),
});

/** `egress.github` of a stack. */
export type GithubConfig = z.infer<typeof GithubConfig>;
