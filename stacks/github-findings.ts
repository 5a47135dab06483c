import { GITHUB_HOSTS } from "../components/gateway/github/hosts.ts";
import type { GithubConfig } from "../components/gateway/github/schema.ts";
import { inConfig, type Variant } from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";
import { canInspect, inspectingPaths } from "./egress-findings.ts";

/** `egress` of a stack, as far as it is about hosts. */
interface Egress {
  readonly github?: GithubConfig | undefined;
  readonly allow?: readonly string[];
  readonly inspect?: readonly { readonly host: string }[];
}

/** Mistakes between `egress.github`, if there is one, and other keys. Without names of agents these are not checked. */
export function githubFindings(
  variant: Variant,
  { github, allow = [], inspect = [] }: Egress,
  agents: readonly string[] | undefined,
): Finding[] {
  if (github === undefined) return [];
  const path = ["egress", "github"];
  const elsewhere = [
    ...listed(allow, (index) => ["allow", index]),
    ...listed(
      inspect.map(({ host }) => host),
      (index) => ["inspect", index, "host"],
    ),
  ];
  return [
    ...(canInspect(variant)
      ? []
      : [
          {
            path,
            message:
              `is not possible on path ${inConfig(variant)}: remove it with pulumi config rm --path egress.github, ` +
              `or choose another path (${inspectingPaths()})`,
          },
        ]),
    ...elsewhere,
    ...Object.keys(github.agents)
      .filter((name) => agents !== undefined && !agents.includes(name))
      .map((name) => ({
        path: [...path, "agents", name],
        message: `is no agent of this stack, which has ${(agents ?? []).join(", ")}: write one of these, or remove it with pulumi config rm --path 'egress.github.agents.${name}'`,
      })),
    ...ownerFindings(github),
  ];
}

/** Hosts of GitHub that another list has too. */
function listed(hosts: readonly string[], at: (index: string) => readonly string[]): Finding[] {
  return hosts.flatMap((host, index) =>
    GITHUB_HOSTS.includes(host)
      ? [
          {
            path: ["egress", ...at(String(index))],
            message:
              "is one of the hosts of egress.github, whose rules are by repository: remove it here, or remove egress.github",
          },
        ]
      : [],
  );
}

/** An installation of an App belongs to one account, and so does a fine-grained token. */
function ownerFindings({ agents }: GithubConfig): Finding[] {
  const [first, ...others] = Object.entries(agents).flatMap(([agent, lists]) =>
    (["read", "write"] as const).flatMap((list) =>
      lists[list].map((repository, index) => ({
        path: ["egress", "github", "agents", agent, list, String(index)],
        owner: repository.slice(0, repository.indexOf("/")),
      })),
    ),
  );
  return others.flatMap(({ path, owner }) =>
    first === undefined || owner.toLowerCase() === first.owner.toLowerCase()
      ? []
      : [
          {
            path,
            message: `is not ${first.owner}'s as the others are, and a credential is for repositories of one owner: list only one owner's repositories`,
          },
        ],
  );
}
