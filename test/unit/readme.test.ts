import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { NOT_TYPED, TYPED } from "../end-to-end/story/readme-blocks.ts";
import { commandBlocks } from "../lab/docs/command-blocks.ts";

const ROOT = join(import.meta.dirname, "../..");
const blocks = ["README.md", "docs/credentials.md", "infra/README.md"].flatMap((page) =>
  commandBlocks(page, readFileSync(join(ROOT, page), "utf8")),
);

test("every block of commands runs in the lab or is listed with the reason why not", () => {
  expect(blocks.map(({ id }) => id).sort()).toEqual([...TYPED, ...Object.keys(NOT_TYPED)].sort());
});

test("on both pages, blocks that need packages install them first", () => {
  for (const id of TYPED.slice(0, 2)) {
    expect(blocks.find((block) => block.id === id)?.lines[0]).toBe("npm ci");
  }
});

test("a block has its heading, its number and its lines without comments", () => {
  const page =
    "# One\n\n```sh\na --b  # c\n\n# only this\nd '#e'\n```\n\n```sh\nf\n```\n\n```json\n{}\n```\n";
  expect(commandBlocks("P.md", page)).toEqual([
    { id: "P.md: One", lines: ["a --b", "d '#e'"] },
    { id: "P.md: One 2", lines: ["f"] },
  ]);
});
