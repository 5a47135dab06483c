import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

export interface AgentTokenArgs {
  /** Generation of the current token, from 1. The token of the previous generation stays valid. */
  readonly generation: number;
}

/** An agent's token for the gateway. It is not a credential for the upstream. */
export class AgentToken extends pulumi.ComponentResource {
  /** The token that the agent uses. */
  readonly current: pulumi.Output<string>;
  /** Tokens that the gateway accepts, the current one first. */
  readonly accepted: pulumi.Output<string[]>;

  constructor(name: string, args: AgentTokenArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:agents:AgentToken", name, {}, opts);
    const ofGeneration = (generation: number) =>
      new random.RandomPassword(
        `${name}-${generation}`,
        { length: 48, special: false },
        { parent: this },
      ).result.apply((characters) => `cgw-${characters}`);

    this.current = pulumi.secret(ofGeneration(args.generation));
    const previous = args.generation > 1 ? [ofGeneration(args.generation - 1)] : [];
    this.accepted = pulumi.secret(pulumi.all([this.current, ...previous]));
    this.registerOutputs({ current: this.current, accepted: this.accepted });
  }
}
