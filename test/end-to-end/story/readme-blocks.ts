/** The blocks that `readme.lab.test.ts` runs, in this order. */
export const TYPED = [
  "infra/README.md: From an empty project to an agent",
  "README.md: Spikes",
  "infra/README.md: Delete everything",
] as const;

/** The blocks that it does not run, and why. */
export const NOT_TYPED: Readonly<Record<string, string>> = {
  "README.md: Two commands":
    "walk/local.lab.test.ts runs the first line; the second line runs these tests",
  "README.md: Configuration": "walk/local.lab.test.ts switches to every path and back",
  "README.md: Provider":
    "providers.lab.test.ts runs the real Claude Code through a real Envoy to the stand-in of each",
  "README.md: GitHub":
    "walk/local.lab.test.ts sets these values, with the App of the lab's stand-in",
  "README.md: Your own workload as an agent":
    "the line only prints an output; walk/ and egress/ start pods from it",
  "README.md: Telemetry":
    "policies.test.ts tries who gets in; alerts-live.lab.test.ts lets a real Prometheus scrape a real Envoy",
  "README.md: Telemetry 2":
    "otlp.lab.test.ts and otlp-claude.lab.test.ts send to a receiver through a real Envoy",
  "docs/credentials.md: In the Claude Console":
    "credentials/federated.lab.test.ts sets these values; the identifiers are the Console's",
  "docs/credentials.md: When it fails": "credentials/federated.lab.test.ts reads this log",
  "README.md: Who may do what":
    "usage/budget.lab.test.ts makes an operator, and tries what they may and may not",
  "README.md: Others' gateways":
    "needs somebody's gateway; --upstream is tested in test/unit/verify/conformance/command.test.ts",
  "README.md: The verdict":
    "verdict.lab.test.ts measures every path; the third line needs a gateway that is not ours",
  "infra/README.md: Delete everything 2":
    "story.lab.test.ts removes stacks in this way after their host is gone",
  "infra/README.md: Back from a loss":
    "only Google Cloud has snapshots; host/stack.lab.test.ts and host/year.lab.test.ts restore one",
  "infra/README.md: Private images":
    "only Google Cloud has the repository; walk/broken-image.lab.test.ts pulls from a stand-in",
  "infra/README.md: Private images 2":
    "the password is somebody's; host.test.ts sets these keys, and walk/broken-image.lab.test.ts pulls with them",
  "infra/README.md: Private images 3":
    "walk/broken-image.lab.test.ts types both lines, with the stand-in's values",
  "infra/README.md: Somebody is told":
    "the addresses are somebody's; host-alerts.test.ts and a golden graph set these keys",
  "infra/README.md: Logs":
    "only Google Cloud keeps logs; ops-agent.test.ts and a golden graph set these keys, host/year.lab.test.ts installs a stand-in",
  "infra/README.md: Logs 2": "only Google Cloud keeps logs",
  "infra/README.md: Upgrades":
    "needs the release after the pinned one; host/upgrades.lab.test.ts upgrades",
  "infra/README.md: Upgrades 2": "only Google Cloud has a serial console and resets a machine",
};

/** Whose blocks `usage/budget.lab.test.ts` types, all of them. */
export const RUNBOOK = "docs/runbook.md";
