/** A valid configuration of each kind of stack, and what the parser says of one that a test has changed. */

import { describe, expect, test } from "vitest";
import { ConfigError, parseConfig } from "../../../../stacks/config.ts";

export type Sections = Record<string, unknown>;

export const KEY = "sk-ant-api03-not-a-real-key";
export const OAUTH = "sk-ant-oat01-not-a-real-token";

export const GOOGLE = {
  kind: "google",
  audience:
    "//iam.googleapis.com/projects/12345/locations/global/workloadIdentityPools/agents/providers/k3s",
};
export const BEDROCK_KEY = { kind: "bedrockKey", value: "ABSK-planted" };
export const VERTEX = { project: "my-project", region: "us-east5" };

export const gateway: Sections = {
  kind: "gateway",
  gateway: { path: "litellm" },
  credential: { kind: "apiKey", value: KEY },
  agents: [{ name: "dev-e" }],
  cluster: { kubeconfig: "/k" },
};

export const spike: Sections = {
  kind: "spike",
  gateway: { path: "litellm" },
  credential: { kind: "apiKey", value: KEY },
  images: { runner: "r.example/claude:1" },
  cluster: { kubeconfig: "/k" },
};

export function parse(sections: Sections, stack = "dev") {
  const entries = Object.entries(sections)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [
      `claude-gateway:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  return parseConfig(stack, Object.fromEntries(entries) as Record<string, string>);
}

/** The lines of the message with which a configuration is rejected, without its headline. */
export function refusal(sections: Sections, stack?: string): string[] {
  try {
    parse(sections, stack);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split("\n").slice(1);
  }
  return expect.fail("the configuration was accepted");
}

/** [the mistake, the change to the gateway stack above, the only line that the message may have] */
export type Mistake = [string, Sections, string | RegExp];

/** Each mistake is reported in one line, and nothing else is. */
export function rejects(mistakes: Mistake[]): void {
  describe("a gateway stack is rejected for", () => {
    test.each(mistakes)("%s", (_, change, line) => {
      const lines = refusal({ ...gateway, ...change });
      const told = lines.filter((text) => /^ {2}\S/.test(text));
      expect(told).toHaveLength(1);
      expect(told[0]).toEqual(typeof line === "string" ? line : expect.stringMatching(line));
    });
  });
}
