import assert from "node:assert/strict";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { luaFile, module } from "../../components/gateway/native-errors/filter.ts";
import { EnvoyLua } from "./lua.ts";

// Writes the parsed value as JSON again, to compare it with JSON.parse. Texts are separated by NUL.
const WRITE_BACK = `
local function write(value)
  if type(value) == "string" then return json.quote(value) end
  if value == json.array then return "[0]" end
  if value == json.object then return "[1]" end
  if value == json.scalar then return "[2]" end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = json.quote(key) .. ":" .. write(item) end
  return "{" .. table.concat(parts, ",") .. "}"
end
function answer(texts)
  local answers = {}
  for text in (texts .. "\\0"):gmatch("([^%z]*)%z") do
    local value, refusal = json.read(text)
    answers[#answers + 1] = refusal and "!" .. refusal or write(value)
  end
  return table.concat(answers, "\\0")
end`;

// Counts the work for a text: calls that search, cut or convert, and the bytes that they process.
const COUNT_WORK = `
local calls, bytes = 0, 0
local find, sub, convert = string.find, string.sub, tonumber
function string.find(text, pattern, start)
  local from, to = find(text, pattern, start)
  calls = calls + 1
  local anchored = sub(pattern, 1, 1) == "^"
  bytes = bytes + (to or anchored and start or #text) - start + 1
  return from, to
end
function string.sub(...)
  local piece = sub(...)
  calls = calls + 1
  bytes = bytes + #piece
  return piece
end
function tonumber(...)
  calls = calls + 1
  return convert(...)
end
function answer(text)
  calls, bytes = 0, 0
  json.read(text)
  return calls .. " " .. bytes
end`;

let lua: EnvoyLua;

beforeAll(async () => {
  lua = await EnvoyLua.start(module("json", luaFile("json.lua")) + WRITE_BACK);
});

afterAll(() => lua.stop());

/** Asserts that our parser and JSON.parse agree on each text. */
async function compare(texts: readonly string[]): Promise<void> {
  const answers = (await lua.answer(texts.join("\0"))).split("\0");
  expect(answers).toHaveLength(texts.length);
  texts.forEach((text, i) => {
    const answer = answers[i] ?? "";
    let expected: unknown;
    try {
      expected = JSON.parse(text);
    } catch {
      expect(answer, `of ${text}`).toMatch(/^!.* at byte \d+$/);
      return;
    }
    assert.deepEqual(JSON.parse(answer), outline(expected), `of ${text}: ${answer}`);
  });
}

/** What our parser returns for a value at that level: it reads strings and the outer objects. */
function outline(value: unknown, level = 1): unknown {
  if (typeof value === "string") return wellFormed(value);
  if (Array.isArray(value)) return [0];
  if (typeof value !== "object" || value === null) return [2];
  if (level > 2) return [1];
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [wellFormed(key), outline(item, level + 1)]),
  );
}

/** A lone surrogate cannot be written in UTF-8; like JavaScript, the parser writes U+FFFD for it. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

const oneOf = (characters: string) => fc.constantFrom(...Array.from(characters));
const hex = (length: number) =>
  fc.string({ unit: oneOf("0123456789abcdefABCDEF"), minLength: length, maxLength: length });
/** Characters that need no escape. */
const plain = fc
  .string({ unit: "binary", maxLength: 4 })
  .map((text) =>
    Array.from(text, (char) => (char < " " || char === '"' || char === "\\" ? "x" : char)).join(""),
  );
const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\r", "\n"), maxLength: 2 });
const piece = fc.oneof(
  plain,
  oneOf('"\\/bfnrt').map((letter) => `\\${letter}`),
  hex(4).map((digits) => `\\u${digits}`),
  fc
    .tuple(
      fc.constantFrom("d8", "D9", "db"),
      hex(2),
      fc.constantFrom("dc", "DF", "d8", "00"),
      hex(2),
    )
    .map(([a, b, c, d]) => `\\u${a}${b}\\u${c}${d}`),
);
const stringText = fc.array(piece, { maxLength: 6 }).map((pieces) => `"${pieces.join("")}"`);
const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/),
);

/** Random JSON texts with every escape, lone surrogates, unusual whitespace and nesting. */
const { value: jsonText } = fc.letrec<{ value: string }>((tie) => {
  const spaced = fc.tuple(space, tie("value"), space).map((parts) => parts.join(""));
  const member = fc
    .tuple(space, stringText, space, spaced)
    .map(([a, key, b, item]) => `${a}${key}${b}:${item}`);
  return {
    value: fc.oneof(
      { maxDepth: 5, depthSize: "small" },
      fc.oneof(stringText, numberText, fc.constantFrom("true", "false", "null")),
      fc.array(spaced, { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
      fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(",")}}`),
      space.map((inner) => `[${inner}]`),
    ),
  };
});

const BATCH = { minLength: 30, maxLength: 60 } as const;

test("the parser reads every JSON text like JSON.parse", async () => {
  await fc.assert(fc.asyncProperty(fc.array(jsonText, BATCH), compare), { numRuns: 60 });
});

test("the parser rejects a text with missing, added or changed bytes exactly if JSON.parse does", async () => {
  const damaged = fc
    .tuple(
      jsonText,
      fc.nat(),
      fc.oneof(fc.constant(""), oneOf('{}[]",:\\0123456789.-+eEutfn/ \t\n\x01\x7fé')),
      fc.nat(2),
    )
    .map(([text, at, put, taken]) => {
      const position = at % (text.length + 1);
      const rest = put === "" && taken === 0 ? "" : text.slice(position + taken);
      return Buffer.from(text.slice(0, position) + put + rest).toString();
    });
  await fc.assert(fc.asyncProperty(fc.array(damaged, BATCH), compare), { numRuns: 60 });
});

test.each([
  "",
  " ",
  "nul",
  "nulll",
  "[1,]",
  '{"a":1,}',
  "{a:1}",
  "01",
  "-",
  "1.",
  ".1",
  "1e",
  "+1",
  "0x1",
  "[1 2]",
  '{"a" 1}',
  '"\\x41"',
  '"\\u12g4"',
  '"\\ud83d\\u"',
  '"',
  "'a'",
  "[",
  "]",
  "1 2",
  "NaN",
  "\ufeff1",
  '{"__proto__":{"a":1},"a":2,"a":3}',
  '"\\ud83d\\ude00"',
  '"\\ude00\\ud83d"',
  "-0",
  "1e999",
  "[1e1048576,-1e-9999999]",
  '{"a":{"b":"c","d":{"e":"f"},"g":[{"h":"i"}]},"j":[]}',
])("the text %j", async (text) => {
  await compare([text]);
});

test("the parser reads 200 levels of nesting and rejects more, without a crash", async () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  await compare([nested(200)]);
  expect(await lua.answer(nested(201))).toBe("!nested too deeply at byte 201");
  expect(await lua.answer("[".repeat(500_000))).toBe("!nested too deeply at byte 201");
});

test.each([
  { what: "numbers with exponents", piece: "1e308,", open: '{"error":[', close: "1]}" },
  { what: "arrays", piece: "[],", open: "[", close: "1]" },
  { what: "deeply nested objects", piece: '{"a":1},', open: '{"a":[', close: "1]}" },
  { what: "members", piece: '"a":1,', open: "{", close: '"a":1}' },
  { what: "escapes", piece: "\\n", open: '{"a":{"message":"', close: '"}}' },
  { what: "code units", piece: "\\ud83d", open: '{"a":{"message":"', close: '"}}' },
  { what: "spaces", piece: " ", open: "[", close: "1]" },
  { what: "plain text", piece: "x", open: '{"a":{"message":"', close: '"}}' },
  { what: "digits", piece: "1", open: "[", close: "]" },
  { what: "an unfinished text", piece: "[[", open: "[", close: "" },
])("the work for a body of $what is proportional to its length", async ({ piece, open, close }) => {
  const counting = await EnvoyLua.start(module("json", luaFile("json.lua")) + COUNT_WORK);
  try {
    const work = async (length: number) => {
      const text = open + piece.repeat(length / piece.length) + close;
      const [calls = 0, bytes = 0] = (await counting.answer(text)).split(" ").map(Number);
      return { calls: calls / text.length, bytes: bytes / text.length };
    };
    const small = await work(30_000);
    const large = await work(960_000);
    expect(large.calls).toBeLessThanOrEqual(Math.min(small.calls * 1.01, 5));
    expect(large.bytes).toBeLessThanOrEqual(Math.min(small.bytes * 1.01, 5));
  } finally {
    await counting.stop();
  }
});

test("the parser converts no number", async () => {
  const converting = await EnvoyLua.start(
    `${module("json", luaFile("json.lua"))}
local conversions = 0
local convert = tonumber
function tonumber(...)
  conversions = conversions + 1
  return convert(...)
end
function answer(text)
  json.read(text)
  return tostring(conversions)
end`,
  );
  expect(await converting.answer('{"error":[1e308,-2.5E-300,0],"code":400}')).toBe("0");
  await converting.stop();
});
