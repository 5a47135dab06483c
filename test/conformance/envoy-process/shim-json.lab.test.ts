import assert from "node:assert/strict";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { luaFile, module } from "../../../components/gateway/shim/filter.ts";
import { EnvoyLua } from "./lua.ts";

// Writes a decoded value as JSON again, for JSON.parse to compare; texts are separated by NUL.
const WRITE_BACK = `
local function write(value)
  if value == json.null then return "null" end
  if type(value) == "string" then return json.quote(value) end
  if type(value) == "boolean" then return tostring(value) end
  if value == 1/0 then return "1e999" end
  if value == -1/0 then return "-1e999" end
  if type(value) == "number" then return string.format("%.17g", value) end
  local parts = {}
  if getmetatable(value) == json.array then
    for _, item in ipairs(value) do parts[#parts + 1] = write(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do parts[#parts + 1] = json.quote(key) .. ":" .. write(item) end
  return "{" .. table.concat(parts, ",") .. "}"
end
function answer(texts)
  local answers = {}
  for text in (texts .. "\\0"):gmatch("([^%z]*)%z") do
    local value, refusal = json.decode(text)
    answers[#answers + 1] = refusal and "!" .. refusal or write(value)
  end
  return table.concat(answers, "\\0")
end`;

let lua: EnvoyLua;

beforeAll(async () => {
  lua = await EnvoyLua.start(module("json", luaFile("json.lua")) + WRITE_BACK);
});

afterAll(() => lua.stop());

/** Asserts that our decoder and JSON.parse make the same of each text. */
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
    assert.deepEqual(JSON.parse(answer), wellFormed(expected), `of ${text}: ${answer}`);
  });
}

/** Half a surrogate pair cannot be written in UTF-8: JavaScript too writes U+FFFD for it. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [wellFormed(key) as string, wellFormed(item)]),
  );
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

/** JSON texts with every escape, half surrogates, odd spaces and nesting. */
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

test("every JSON text means what JSON.parse makes of it", async () => {
  await fc.assert(fc.asyncProperty(fc.array(jsonText, BATCH), compare), { numRuns: 60 });
});

test("a text cut off, or with bytes put in, taken out or exchanged, is refused as JSON.parse refuses it", async () => {
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
    })
    .filter((text) => !/e[+-]?\d{7}/i.test(text));
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
])("the text %j", async (text) => {
  await compare([text]);
});

test("an exponent that LuaJIT cannot read is refused", async () => {
  await compare(["1e1048575", "-1e-1048575"]);
  expect(await lua.answer("[1e1048576]")).toBe("!exponent out of range at byte 2");
});

test("nesting is followed to 200 levels and refused beyond, not crashed on", async () => {
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  await compare([nested(200)]);
  expect(await lua.answer(nested(201))).toBe("!nested too deeply at byte 201");
  expect(await lua.answer("[".repeat(500_000))).toBe("!nested too deeply at byte 201");
});
