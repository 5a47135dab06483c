import { readdir, readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { configurations, PLANTED_KEY, PLANTED_OAUTH_TOKEN } from "./configurations.ts";
import { goldenPath, renderGraph } from "./files.ts";
import { type Graph, registeredGraph } from "./graph.ts";

const graphs: Record<string, Graph> = {};
beforeAll(async () => {
  // Sequential, because the SDK has one global set of mocks.
  for (const [name, { stack, config }] of Object.entries(configurations)) {
    graphs[name] = await registeredGraph(stack, config);
  }
});

describe("resource graphs", () => {
  test.each(Object.keys(configurations))(
    "%s equals its golden file (update: `npm run golden:update`)",
    async (name) => {
      expect(renderGraph(graphs[name] as Graph)).toBe(await readFile(goldenPath(name), "utf8"));
    },
  );

  test("every golden file belongs to a configuration", async () => {
    const files = await readdir(goldenPath("").replace(/\.json$/, ""));
    expect(files.sort()).toEqual(
      Object.keys(configurations)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  test("no golden file contains the planted credential, which the search does find in an unmasked graph", async () => {
    const planted = { type: "t", name: "n", inputs: { data: PLANTED_KEY } };
    expect(renderGraph({ resources: [planted], outputs: {} })).toContain(PLANTED_KEY);
    for (const name of Object.keys(configurations)) {
      const file = await readFile(goldenPath(name), "utf8");
      expect(file).not.toContain(PLANTED_KEY);
      expect(file).not.toContain(PLANTED_OAUTH_TOKEN);
    }
  });

  test("each child is named after its component and has it as its parent", () => {
    for (const { resources } of Object.values(graphs)) {
      for (const { name, parent } of resources) {
        if (parent !== undefined) expect(name.startsWith(`${parent}-`), name).toBe(true);
      }
    }
  });
});
