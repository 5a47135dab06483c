import { rejects } from "./stack.ts";

rejects([
  ["no agents", { agents: [] }, /^ {2}agents is empty: name at least one agent/],
  [
    "bad agent name",
    { agents: [{ name: "Dev_E" }] },
    /^ {2}agents\[0\]\.name = "Dev_E" is not a Kubernetes name/,
  ],
  ["a gap in the agents", { agents: [null, { name: "dev-e" }] }, /^ {2}agents\[0\] is not an? /],
  [
    "an agent twice",
    { agents: [{ name: "a" }, { name: "a" }] },
    /^ {2}agents\[1\]\.name = "a" is used twice/,
  ],
  [
    "an agent in the gateway's namespace",
    { agents: [{ name: "claude-gateway" }] },
    /^ {2}agents\[0\]\.name = "claude-gateway" is the namespace of the gateway/,
  ],
  [
    "an agent in kube-system",
    { agents: [{ name: "kube-system" }] },
    /is the namespace of Kubernetes itself/,
  ],
  [
    "an agent that may have no request",
    { agents: [{ name: "dev-e", maxRequests: 0 }] },
    /^ {2}agents\[0\]\.maxRequests = 0 is less than 1: to shut an agent out, remove it from agents/,
  ],
  [
    "an agent that may have more requests than the gateway serves",
    { agents: [{ name: "dev-e", maxRequests: 3073 }] },
    /^ {2}agents\[0\]\.maxRequests = 3073 is more than 3072, which the gateway serves at a time/,
  ],
  [
    "a limit of requests on bare litellm",
    { agents: [{ name: "dev-f" }, { name: "dev-e", maxRequests: 10 }] },
    "  agents[1].maxRequests = 10 cannot be kept on path litellm, where no Envoy sees the agents' requests: remove it, or choose another path: pulumi config set --path gateway.path shim|envoy|hybrid",
  ],
]);
