import { expect, test } from "vitest";
import {
  luaFile,
  MAX_ERROR_BODY_BYTES,
  shimSource,
} from "../../../../../components/gateway/native-errors/filter.ts";

test("the Lua chunk contains each module as a local, before its use", () => {
  const source = shimSource();
  const positions = [
    "local json = (function()",
    "local errors = (function()",
    "function envoy_on_response(",
  ].map((text) => source.indexOf(text));
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(positions).not.toContain(-1);
  for (const file of ["json.lua", "errors.lua", "filter.lua"] as const) {
    expect(source).toContain(luaFile(file));
  }
});

test("the limit in Lua is the one from which the listener's buffer size is computed", () => {
  expect(luaFile("filter.lua")).toContain(`local MAX_BYTES = ${MAX_ERROR_BODY_BYTES}\n`);
});
