import { hostRoutes } from "../components/gateway/envoy/inspect/routes.ts";
import { byRepository } from "../components/gateway/github/access.ts";
import { GITHUB_HOSTS, githubHosts } from "../components/gateway/github/hosts.ts";
import type { GithubConfig } from "../components/gateway/github/schema.ts";
import { canInspect, inConfig, type Variant } from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";
import { inspectingPaths } from "./egress-findings.ts";

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
    ...sizeFindings(github),
  ];
}

/** A Secret holds 1 MiB. The rest is for the routes of the API, of other hosts, and for credentials. */
const MOST_BYTES = 900 * 1024;

/** The rules are in a Secret, because the agents' tokens are beside them. */
function sizeFindings({ agents, credential }: GithubConfig): Finding[] {
  const bytes = githubHosts({ agents, credential: credential.kind })
    .map((host) => JSON.stringify(hostRoutes(host, [])).length)
    .reduce((sum, length) => sum + length, 0);
  if (bytes <= MOST_BYTES) return [];
  const count = byRepository(agents).length;
  return [
    {
      path: ["egress", "github", "agents"],
      message: `lists ${count} repositories, whose rules take ${Math.ceil(bytes / 1024)} KiB of the ${MOST_BYTES / 1024} that fit: list fewer, for about ${Math.floor((count * MOST_BYTES) / bytes)} there is room`,
    },
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
