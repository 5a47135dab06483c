import { expect, test } from "vitest";
import { localReplyConfig } from "../../../../../components/gateway/envoy/local-replies.ts";

interface Mapper {
  readonly filter: unknown;
  readonly body_format_override: {
    readonly text_format_source: { readonly inline_string: string };
    readonly content_type: string;
  };
}

const withoutCredential = { planted: "filter" };
const { mappers } = localReplyConfig({ withoutCredential }) as { mappers: readonly Mapper[] };

test("every answer of Envoy itself is an Anthropic error that names the gateway", () => {
  for (const { body_format_override: format } of mappers) {
    const text = format.text_format_source.inline_string;
    expect(text).toMatch(
      /^\{"type":"error","error":\{"type":"[a-z_]+","message":"gateway: [^"]+"\}\}$/,
    );
    // Envoy reads a % as a format command. Only what the gateway's own filters write is one.
    const commands = /%DYNAMIC_METADATA\((server_fetch:\w+|gateway:(agent|limit))\)%/g;
    expect(text.replace(commands, "")).not.toContain("%");
    expect(format.content_type).toBe("application/json");
  }
});

test("the last mapper matches everything that no other matches", () => {
  expect(mappers.at(-1)?.filter).toMatchObject({
    status_code_filter: { comparison: { op: "GE", value: { default_value: 0 } } },
  });
});

test("none is an overloaded_error, because Claude Code gives up after three of them", () => {
  expect(JSON.stringify(mappers)).not.toContain("overloaded_error");
});

test("a missing credential is a 503 to try again later, before the 401 that Envoy would answer", () => {
  const found = mappers.findIndex(({ filter }) => filter === withoutCredential);
  expect(mappers[found]).toMatchObject({
    status_code: 503,
    headers_to_add: [
      { header: { key: "x-should-retry", value: "true" } },
      { header: { key: "retry-after", value: "30" } },
    ],
  });
  expect(mappers[found]?.body_format_override.text_format_source.inline_string).toBe(
    '{"type":"error","error":{"type":"api_error","message":"gateway: no credential for the upstream now"}}',
  );
  const text = mappers.map((mapper) => JSON.stringify(mapper));
  expect(found).toBeLessThan(text.findIndex((each) => each.includes("missing or unknown agent")));
  // A request with the tokens of two agents has no agent that could be told so.
  expect(found).toBeGreaterThan(text.findIndex((each) => each.includes("of two agents")));
});

test("where a credential is stored, nothing is said of a missing one", () => {
  expect(JSON.stringify(localReplyConfig())).not.toContain("no credential");
});
