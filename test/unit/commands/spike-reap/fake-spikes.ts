import type { Spikes } from "../../../../commands/spike-reap/spikes.ts";

/** An object in kubectl's list. */
type Listed = Readonly<Record<string, unknown>>;

/**
 * Simulates Pulumi and a cluster: records changes in `calls`, and deletes objects at once, except those in `stuck`.
 */
export class FakeSpikes implements Spikes {
  readonly calls: string[] = [];
  private readonly states: ReadonlyMap<string, string>;
  private readonly failing: readonly string[];
  private readonly stuck: readonly string[];
  private readonly onCall: () => void;
  private objects: readonly Listed[];

  constructor(
    states: Readonly<Record<string, string>>,
    options: {
      readonly objects?: readonly (Listed | undefined)[];
      readonly failing?: readonly string[];
      readonly stuck?: readonly string[];
      readonly onCall?: () => void;
    } = {},
  ) {
    this.states = new Map(Object.entries(states));
    this.objects = (options.objects ?? []).filter((object) => object !== undefined);
    this.failing = options.failing ?? [];
    this.stuck = options.stuck ?? [];
    this.onCall = options.onCall ?? (() => undefined);
  }

  async stacks() {
    return Promise.resolve([...this.states.keys()]);
  }

  async exportState(stack: string) {
    this.failIfAsked(`export ${stack}`);
    return Promise.resolve(this.states.get(stack) ?? "");
  }

  async destroy(stack: string) {
    return this.call(`destroy ${stack}`);
  }

  async remove(stack: string) {
    return this.call(`remove ${stack}`);
  }

  async kubectl([command = "", kind = "", ...args]: readonly string[]) {
    if (command === "get" && kind === "pods") return "";
    if (command === "get" && kind === "namespace") {
      const found = this.objects.find((object) => isNamed(object, "Namespace", args[0]));
      return found === undefined ? "" : JSON.stringify(found);
    }
    if (command === "get") return JSON.stringify({ items: this.objects });
    const [name = ""] = args;
    await this.call(
      `${command} ${kind} ${args.filter((arg) => arg !== "--wait=false" && arg !== "--ignore-not-found").join(" ")}`,
    );
    if (!this.stuck.includes(name)) {
      const type = kind === "namespace" ? "Namespace" : kind;
      this.objects = this.objects.filter((object) => !isNamed(object, type, name));
    }
    return "";
  }

  private async call(what: string): Promise<void> {
    this.calls.push(what);
    this.failIfAsked(what);
    this.onCall();
    return Promise.resolve();
  }

  private failIfAsked(what: string): void {
    if (this.failing.includes(what)) throw new Error(`${what} failed`);
  }
}

function isNamed(object: Listed, kind: string, name: string | undefined): boolean {
  return object.kind === kind && (object.metadata as { name: string }).name === name;
}

/** A spike's namespace, as kubectl lists it. */
export function spikeNamespace(
  stack: string,
  name: string,
  creationTimestamp: string,
  ttlSeconds: string | undefined,
) {
  return {
    kind: "Namespace",
    metadata: {
      name,
      creationTimestamp,
      labels: { "claude-gateway/kind": "spike", "claude-gateway/stack": stack },
      annotations: ttlSeconds === undefined ? {} : { "claude-gateway/ttl-seconds": ttlSeconds },
    },
  };
}

/** The admission policy of a spike's agents, as kubectl lists it. */
export function policy(stack: string) {
  return {
    kind: "ValidatingAdmissionPolicy",
    metadata: {
      name: `claude-gateway-agents-${stack}-gateway`,
      creationTimestamp: "2026-11-23T10:00:00Z",
      labels: { "claude-gateway/kind": "spike", "claude-gateway/stack": stack },
    },
  };
}
