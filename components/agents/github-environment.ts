/** Variables that hold the agent's token for the gateway, where clients of GitHub look for GitHub's. */
const TOKEN_VARIABLES = ["GH_TOKEN", "GITHUB_TOKEN"] as const;

/** Git asks it for the credential, so that none is in a file or a URL. `get` is one of the actions that Git asks for. */
const CREDENTIAL_HELPER =
  '!f() { test "$1" != get || printf "username=x-access-token\\npassword=%s\\n" "$GH_TOKEN"; }; f';

const HTTPS = "https://github.com/";

/** Only HTTPS gets to GitHub, so addresses for SSH, for example of submodules, are turned into it. */
const GIT_CONFIG: readonly (readonly [string, string])[] = [
  ["credential.https://github.com.helper", CREDENTIAL_HELPER],
  [`url.${HTTPS}.insteadOf`, "git@github.com:"],
  [`url.${HTTPS}.insteadOf`, "ssh://git@github.com/"],
];

/**
 * Makes Git, gh and GitHub's libraries show the agent's token for the gateway, which swaps it. Git reads its settings from
 * the environment: https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
 */
export function githubEnvironment({
  name,
  key,
}: {
  /** Name of the Secret with the agent's token, and its key. */
  readonly name: string;
  readonly key: string;
}) {
  return [
    ...TOKEN_VARIABLES.map((variable) => ({
      name: variable,
      valueFrom: { secretKeyRef: { name, key } },
    })),
    { name: "GIT_CONFIG_COUNT", value: String(GIT_CONFIG.length) },
    ...GIT_CONFIG.flatMap(([key, value], index) => [
      { name: `GIT_CONFIG_KEY_${index}`, value: key },
      { name: `GIT_CONFIG_VALUE_${index}`, value },
    ]),
  ];
}
