import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOfProduct } from "./copy.ts";

const { dir, remove } = copyOfProduct();
afterAll(remove);

/** The output of `npm run lint:imports` in the copy. */
function lint(): string {
  const { scripts } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const [, , program = "", ...args] = scripts["lint:imports"]?.split(" ") ?? [];
  const { stdout } = spawnSync(join(dir, "node_modules/.bin", program), args, {
    cwd: dir,
    encoding: "utf8",
  });
  return stdout;
}

test("no import in this repository goes in the wrong direction", () => {
  expect(lint()).toContain("no dependency violations found");
});

const planted: readonly {
  readonly what: string;
  readonly file: string;
  readonly imported: string;
  readonly said: RegExp;
}[] = [
  {
    what: "a circle of two files",
    file: "components/gateway/envoy/timeouts.ts",
    imported: "./clusters.ts",
    said: /error no-circle-of-files: components\/gateway\/envoy\/(timeouts|clusters)\.ts/,
  },
  {
    what: "a circle of two folders",
    file: "components/gateway/drain/times.ts",
    imported: "../envoy/timeouts.ts",
    said: /error no-circle-of-folders: components\/gateway\/(drain|envoy) /,
  },
  {
    what: "the product importing a test's helper",
    file: "components/agents/limits.ts",
    imported: "../../test/lab/progress.ts",
    said: /error product-imports-no-test-and-no-command: components\/agents\/limits\.ts/,
  },
  {
    what: "a leaf importing the gateway",
    file: "components/kubernetes/labels.ts",
    imported: "../gateway/paths/index.ts",
    said: /error leaves-import-nothing: components\/kubernetes\/labels\.ts/,
  },
  {
    what: "the machine importing what runs on it",
    file: "infra/machine/node-settings.ts",
    imported: "../../components/agents/limits.ts",
    said: /error infra-imports-leaves-only: infra\/machine\/node-settings\.ts/,
  },
  {
    what: "a path importing Pulumi",
    file: "components/gateway/paths/shim.ts",
    imported: "@pulumi/pulumi",
    said: /error renderers-know-no-pulumi: components\/gateway\/paths\/shim\.ts/,
  },
  {
    what: "the gateway importing the agents",
    file: "components/gateway/path.ts",
    imported: "../agents/limits.ts",
    said: /error downward-components-gateway: components\/gateway\/path\.ts/,
  },
  {
    what: "the paths importing Envoy",
    file: "components/gateway/paths/http.ts",
    imported: "../envoy/timeouts.ts",
    said: /error downward-components-gateway-paths: components\/gateway\/paths\/http\.ts/,
  },
];

describe("a planted import is found:", () => {
  let said = "";
  beforeAll(() => {
    for (const { file, imported } of planted) {
      const path = join(dir, file);
      writeFileSync(path, `import "${imported}";\n${readFileSync(path, "utf8")}`);
    }
    said = lint();
  });

  test.each(planted)("$what", (import_) => {
    expect(said).toMatch(import_.said);
  });
});
