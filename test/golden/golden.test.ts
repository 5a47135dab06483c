import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { configurations, PLANTED_KEY } from "./configurations.ts";
import { goldenPath, renderGraph } from "./files.ts";
import { registeredGraph } from "./graph.ts";

describe("resource graphs", () => {
  for (const [name, { stack, config }] of Object.entries(configurations)) {
    test(`${name} is as reviewed (\`npm run golden:update\` writes a wanted change)`, async () => {
      const graph = await registeredGraph(stack, config);
      expect(renderGraph(graph)).toBe(await readFile(goldenPath(name), "utf8"));
    });
  }

  test("every golden file belongs to a configuration", async () => {
    const files = await readdir(goldenPath("").replace(/\.json$/, ""));
    expect(files.sort()).toEqual(
      Object.keys(configurations)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  test("no golden file holds the planted credential, and the search would find it", async () => {
    const planted = { type: "t", name: "n", inputs: { data: PLANTED_KEY } };
    expect(renderGraph({ resources: [planted], outputs: {} })).toContain(PLANTED_KEY);
    for (const name of Object.keys(configurations)) {
      expect(await readFile(goldenPath(name), "utf8")).not.toContain(PLANTED_KEY);
    }
  });

  test("children are named after and sit below their component", async () => {
    for (const { stack, config } of Object.values(configurations)) {
      const { resources } = await registeredGraph(stack, config);
      for (const { name, parent } of resources) {
        if (parent !== undefined) expect(name.startsWith(`${parent}-`), name).toBe(true);
      }
    }
  });
});
