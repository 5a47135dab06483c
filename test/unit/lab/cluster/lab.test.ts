import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openLab } from "../../../lab/cluster/lab.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-test-"));
  vi.stubEnv("CLAUDE_GATEWAY_CACHE", join(folder, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("a clone has one lab in a cache, by whatever path it is reached, and no other clone's", () => {
  symlinkSync(folder, join(folder, "link"));
  const lab = openLab(folder);
  expect(lab.id).toMatch(/^[0-9a-f]{8}$/);
  expect(openLab(join(folder, "link"))).toEqual(lab);
  expect(openLab(tmpdir()).id).not.toBe(lab.id);
  vi.stubEnv("CLAUDE_GATEWAY_CACHE", join(folder, "other-cache"));
  expect(openLab(folder).id).not.toBe(lab.id);
});

test("all files of a lab are in its folder in the cache, and its cgroup contains its id", () => {
  const lab = openLab(folder);
  expect(lab.dir).toBe(join(folder, "cache/labs", lab.id));
  for (const path of [lab.kubeconfig, lab.logDir, lab.netpolSocket])
    expect(path.startsWith(`${lab.dir}/`)).toBe(true);
  expect(lab.cgroup).toBe(`claude-gateway-${lab.id}`);
});

test.each(["/var/lib/cache", "/run", "/var/log/x"])(
  "a cache in %s, which the sandbox hides, is refused with the fix",
  (cache) => {
    vi.stubEnv("CLAUDE_GATEWAY_CACHE", cache);
    expect(() => openLab(folder)).toThrow(
      /which the lab replaces with its own files: set CLAUDE_GATEWAY_CACHE/,
    );
  },
);

test("a cache next to such a folder is accepted", () => {
  vi.stubEnv("CLAUDE_GATEWAY_CACHE", "/var/library");
  expect(openLab(folder).dir).toMatch(/^\/var\/library\/labs\//);
});
