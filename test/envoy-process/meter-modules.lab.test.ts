import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { meterModules } from "../../components/usage/meter/meter.ts";
import { priceMetadata } from "../../components/usage/prices/metadata.ts";
import { listPrices } from "../../components/usage/prices/table.ts";
import { event, message, messageEnd, messageStart, textDelta } from "./answers.ts";
import { EnvoyLua } from "./lua.ts";

const FAMILIES = Object.keys(priceMetadata(listPrices))
  .filter((family) => family in listPrices)
  .map((family) => `["${family}"] = "${family}",`)
  .join("");

// `read <kind> <length>,<length>,…\n<answer>` reads an answer in chunks. `family <model>` says whose prices a model has.
const ANSWER = `
local function counted_of(counted)
  local parts, searches = counted:parts()
  local texts = { tostring(counted.known) .. " " .. tostring(counted:complete()) .. " " .. searches }
  for _, part in ipairs(parts) do
    local counts, how = part.counts, part.how
    texts[#texts + 1] = table.concat({ tostring(part.model), counts.input, counts.output, counts.cache_read,
      counts.cache_write_5m, counts.cache_write_1h, tostring(how.fast), tostring(how.geo), tostring(how.prompt) }, " ")
  end
  return table.concat(texts, " | ")
end
local function read(kind, lengths, text)
  local counted, scanner = tally.new(), json.scanner(tally.wanted)
  local reader = events.reader(scanner, function(values) counted:take(values) end,
    function(name, length) counted:delta(name, length) end)
  local from = 1
  for length in (lengths .. "," .. #text):gmatch("%d+") do
    local chunk = text:sub(from, from + length - 1)
    from = from + length
    if kind == "stream" then reader:feed(chunk) else scanner:feed(chunk, 1, #chunk) end
  end
  if kind == "stream" then
    reader:end_of_event()
  elseif scanner:values() then
    counted:take(scanner:values())
  end
  return counted_of(counted)
end
local families = { ${FAMILIES} }
function answer(request)
  local model = request:match("^family (.*)$")
  if model then return cost.prices(model, function(name) return families[name] end) or "none" end
  return read(request:match("^read (%a+) ([%d,]*)\\n(.*)$"))
end`;

let lua: EnvoyLua;

beforeAll(async () => {
  lua = await EnvoyLua.start(meterModules() + ANSWER);
});

afterAll(() => lua.stop());

function readIn(lengths: readonly number[], text: string, kind = "stream"): Promise<string> {
  return lua.answer(`read ${kind} ${lengths.join(",")}\n${text}`);
}

test.each([
  ["claude-opus-4-5-20251101", "claude-opus-4-5"],
  ["claude-opus-4-5", "claude-opus-4-5"],
  ["us.anthropic.claude-opus-4-5-20250929-v1:0", "claude-opus-4-5"],
  ["global.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"],
  ["claude-sonnet-4-5@20250929", "claude-sonnet-4-5"],
  ["anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"],
  ["Claude-Opus-4-1", "claude-opus-4-1"],
  ["claude-opus-4-1-20250805", "claude-opus-4-1"],
  ["claude-opus-4-20250514", "claude-opus-4"],
  ["claude-opus-4-0", "claude-opus-4-0"],
  ["claude-sonnet-4-20250514", "claude-sonnet-4"],
  ["claude-3-5-haiku-20241022", "claude-3-5-haiku"],
  ["claude-3-5-sonnet-latest", "claude-3-5-sonnet"],
  ["claude-3-opus-20240229", "claude-3-opus"],
  ["claude-3-haiku@20240307", "claude-3-haiku"],
  ["claude-haiku-5-5[1m]", "claude-haiku-5-5"],
  ["claude-fable-5-2", "claude-fable-5-2"],
  ["claude-sonnet-5-5-1m", "claude-sonnet-5-5"],
  ["claude-opus-4-1m", "claude-opus-4"],
  ["claude-4-sonnet-20250514", "claude-sonnet-4"],
  ["claude-4-opus-20250514", "claude-opus-4"],
  ["claude-4.5-sonnet", "claude-sonnet-4-5"],
  ["claude-4-9-opus", "none"],
  ["claude-opus-4-9", "none"],
  ["claude-opus-4-9-20270101", "none"],
  ["claude-opus-45", "none"],
  ["claude-opus-6", "none"],
  ["claude-2.1", "none"],
  ["claude-", "none"],
  ["gpt-9", "none"],
  ["", "none"],
])("%s has the prices of %s", async (model, family) => {
  expect(await lua.answer(`family ${model}`)).toBe(family);
});

const words = fc.array(
  fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }).map((text) => Buffer.from(text).toString()),
    fc.constantFrom(
      '"usage":{"output_tokens":9}',
      "\n\ndata: {}\n\n",
      'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":9}}\n\n',
      "\\",
      '"} }',
    ),
  ),
  { maxLength: 8 },
);
const count = fc.nat(1_000_000);
const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(90)), { maxLength: 600, size: "max" });
const usage = fc.record({
  input: count,
  output: count,
  read: count,
  write5m: count,
  write1h: count,
});

const splitUsage = (of: { input: number; read: number; write5m: number; write1h: number }) => ({
  service_tier: "standard",
  input_tokens: of.input,
  cache_read_input_tokens: of.read,
  cache_creation_input_tokens: of.write5m + of.write1h,
  cache_creation: {
    ephemeral_5m_input_tokens: of.write5m,
    ephemeral_1h_input_tokens: of.write1h,
  },
});

/** The one part of an answer of claude-x, as the script above prints it. */
function counted(
  final: boolean,
  [input = 0, output = 0, read = 0, write5m = 0, write1h = 0]: number[],
) {
  return `true ${final} 0 | claude-x ${input} ${output} ${read} ${write5m} ${write1h} false nil nil`;
}

function expected(of: {
  input: number;
  output: number;
  read: number;
  write5m: number;
  write1h: number;
}) {
  const { input, output, read, write5m, write1h } = of;
  return counted(true, [input, output, read, write5m, write1h]);
}

test("a stream is read the same in any chunks, with any line ends and any text", async () => {
  await fc.assert(
    fc.asyncProperty(usage, words, lineEnd, lengths, async (of, texts, end, chunks) => {
      const text =
        messageStart({ ...splitUsage(of), output_tokens: 3 }, "claude-x") +
        texts.map(textDelta).join("") +
        messageEnd({ output_tokens: of.output });
      expect(await readIn(chunks, text.replaceAll("\n", end))).toBe(expected(of));
    }),
    { numRuns: 300 },
  );
});

test("a JSON answer is read the same in any chunks", async () => {
  await fc.assert(
    fc.asyncProperty(
      usage,
      fc.jsonValue(),
      fc.nat(3),
      lengths,
      async (of, content, indent, chunks) => {
        const text = message({ ...splitUsage(of), output_tokens: of.output }, content, "claude-x");
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        expect(await readIn(chunks, spaced, "json")).toBe(expected(of));
      },
    ),
    { numRuns: 200 },
  );
});

test("a broken stream is estimated the same in any chunks", async () => {
  await fc.assert(
    fc.asyncProperty(words, lengths, fc.nat(200), async (texts, chunks, padding) => {
      const deltas = texts
        .map(textDelta)
        .join("")
        .replaceAll("}}\n", `}${" ".repeat(padding)}}\n`);
      const start = messageStart({ input_tokens: 5, output_tokens: 3 }, "claude-x");
      const bytes = texts.reduce(
        (sum, text) => sum + Buffer.byteLength(JSON.stringify(text)) - 2,
        0,
      );
      expect(await readIn(chunks, start + deltas)).toBe(
        counted(false, [5, 3 + Math.ceil(bytes / 4)]),
      );
    }),
    { numRuns: 200 },
  );
});

test("any bytes at all are read without an error", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.constantFrom(
          ...Array.from('data: {}[]"\\\n\r,1'),
          'data: {"',
          '{"type":"message_start"',
        ),
      ),
      fc.constantFrom("stream", "json"),
      lengths,
      async (pieces, kind, chunks) => {
        expect(await readIn(chunks, pieces.join(""), kind)).toMatch(/^false false 0 \| nil 0 /);
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  ["thinking", { type: "thinking_delta", thinking: "abcdefgh" }, 5],
  ["tool input", { type: "input_json_delta", partial_json: '{"a":1}' }, 6],
  ["a signature", { type: "signature_delta", signature: "abcdefgh" }, 5],
  ["a compaction's summary", { type: "compaction_delta", content: "abcdefgh" }, 5],
  ["a citation, which is no output", { type: "citations_delta", citation: { text: "abcd" } }, 3],
])("the estimate counts %s", async (_, delta, output) => {
  const text =
    messageStart({ input_tokens: 5, output_tokens: 3 }, "claude-x") +
    event({ type: "content_block_delta", index: 0, delta });
  expect(await readIn([], text)).toBe(counted(false, [5, output]));
});

test.each([
  ["a negative count", '{"input_tokens":-1}'],
  ["a fraction", '{"input_tokens":1.5}'],
  ["an exponent", '{"input_tokens":1e3}'],
  ["text", '{"input_tokens":"1"}'],
  ["null", '{"input_tokens":null}'],
  ["a list", "[1]"],
])("usage with %s cannot be read", async (_, usage) => {
  const data = `data: {"type":"message_start","message":{"model":"claude-x","usage":${usage}}}\n\n`;
  expect(await readIn([], data)).toMatch(/^false false 0 \| nil 0 0 /);
});

test("the last of two members with one name counts", async () => {
  const text =
    '{"type":"message","model":"a","model":"claude-x","usage":{"input_tokens":1,"input_tokens":2,"output_tokens":3}}';
  expect(await readIn([], text, "json")).toBe(counted(true, [2, 3]));
});

test.each<[string, object, number, number, number]>([
  ["text", { type: "text", text: "abcdefgh" }, 5, 5, 0],
  ["redacted thinking", { type: "redacted_thinking", data: "abcdefgh" }, 5, 5, 0],
  ["a compaction", { type: "compaction", content: "abcdefgh" }, 5, 5, 0],
  ["a tool's input", { type: "tool_use", name: "read", input: { a: [1, 2] } }, 5, 6, 0],
  ["an empty input", { type: "tool_use", name: "web_search", input: {} }, 5, 3, 0],
  ["a web search", { type: "server_tool_use", name: "web_search", input: {} }, 5, 3, 1],
  ["another tool", { type: "server_tool_use", name: "web_fetch", input: {} }, 5, 3, 0],
  // The list has 33 bytes.
  [
    "results",
    { type: "web_search_tool_result", content: [{ url: "a]}", x: [{}, null, 1.5] }] },
    14,
    3,
    0,
  ],
])("the estimate counts a block that begins with %s", async (_, block, input, output, searches) => {
  const text =
    messageStart({ input_tokens: 5, output_tokens: 3 }, "claude-x") +
    event({ type: "content_block_start", index: 0, content_block: block });
  const parts = `claude-x ${input} ${output} 0 0 0 false nil nil`;
  for (const chunks of [[], Array.from({ length: 400 }, () => 1)])
    expect(await readIn(chunks, text)).toBe(`true false ${searches} | ${parts}`);
  const end = messageEnd({ output_tokens: 9, server_tool_use: { web_search_requests: 2 } });
  expect(await readIn([], text + end)).toBe("true true 2 | claude-x 5 9 0 0 0 false nil nil");
});

const call = (type: string, input: number, output: number, more: object = {}) => ({
  type,
  input_tokens: input,
  output_tokens: output,
  ...more,
});
const SPLIT = {
  cache_creation_input_tokens: 30,
  cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
};

test.each<[string, object[], string]>([
  ["none", [], "claude-x 10 9 0 0 0 false us nil"],
  ["one call", [call("message", 10, 9)], "claude-x 10 9 0 0 0 false us nil"],
  [
    "a compaction",
    [call("compaction", 180, 35, SPLIT), call("message", 10, 9)],
    "claude-x 10 9 0 0 0 false us nil | claude-x 180 35 0 10 20 false us nil",
  ],
  [
    "an advisor, and a second call whose input the total lacks",
    [
      call("message", 10, 4),
      call("advisor_message", 8, 16, { model: "claude-y", cache_read_input_tokens: 7 }),
      call("message", 13, 5, { cache_read_input_tokens: 4 }),
    ],
    "claude-x 23 9 4 0 0 false us 17 | claude-y 8 16 7 0 0 false us nil",
  ],
  [
    "a fallback after a part of the answer",
    [
      call("message", 11, 2, { model: "claude-x" }),
      call("fallback_message", 10, 9, { model: "claude-z" }),
    ],
    "claude-z 10 9 0 0 0 false us nil | claude-x 11 2 0 0 0 false us nil",
  ],
  [
    "a fallback before the answer: the model that declined costs nothing",
    [
      call("message", 11, 0, { model: "claude-w" }),
      call("fallback_message", 10, 9, { model: "claude-x" }),
    ],
    "claude-x 10 9 0 0 0 false us nil",
  ],
  [
    "a type that is not known yet",
    [call("new_message", 1, 2)],
    "claude-x 10 9 0 0 0 false us nil | claude-x 1 2 0 0 0 false us nil",
  ],
  ["what is no call", [null, 1, "a", [{}]] as object[], "claude-x 10 9 0 0 0 false us nil"],
] as [string, object[], string][])("iterations with %s", async (_, list, parts) => {
  const usage = { input_tokens: 10, output_tokens: 9, inference_geo: "us", iterations: list };
  const ones = Array.from({ length: 2000 }, () => 1);
  for (const chunks of [[], ones]) {
    expect(await readIn(chunks, message(usage, [], "claude-x"), "json")).toBe(
      `true true 0 | ${parts}`,
    );
    const streamed =
      messageStart({ input_tokens: 10, output_tokens: 1 }, "claude-x") + messageEnd(usage);
    expect(await readIn(chunks, streamed)).toBe(`true true 0 | ${parts}`);
  }
});

test("iterations above 100 are left out, and the count is an estimate", async () => {
  const list = (length: number) =>
    Array.from({ length }, () => call("advisor_message", 1, 1, { model: "claude-y" }));
  const read = (length: number) =>
    readIn(
      [],
      message({ input_tokens: 1, output_tokens: 1, iterations: list(length) }, [], "claude-x"),
      "json",
    );
  const [whole, cut] = [await read(100), await read(101)];
  expect([whole.slice(0, 11), whole.split("|").length]).toEqual(["true true 0", 102]);
  expect([cut.slice(0, 12), cut.split("|").length]).toEqual(["true false 0", 102]);
});
