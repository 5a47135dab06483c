import * as fs from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { line, row, TestVolume } from "./volume.ts";

let volume: TestVolume;
beforeEach(() => {
  volume = new TestVolume();
});
afterEach(() => {
  volume.remove();
});

const STEPS = [
  ...["openSync", "readSync", "writeFileSync", "linkSync", "fsyncSync", "closeSync"],
  ...["rmSync", "unlinkSync", "readdirSync", "readFileSync"],
] as const;

/** Functions that call `before` with the number of the step, before each of them. */
function stepwise(before: (step: number) => void): Partial<typeof fs> {
  let step = 0;
  const wrapped = STEPS.map((name) => {
    const real = fs[name as keyof typeof fs] as (...args: unknown[]) => unknown;
    const wrapper = (...args: unknown[]): unknown => {
      before(++step);
      return real(...args);
    };
    return [name, wrapper] as const;
  });
  return Object.fromEntries(wrapped);
}

/** Two pods, of which one has a renamed file, after some lines were added. */
function halfAdded(): void {
  volume.append("envoy-a", line().repeat(2));
  volume.append("envoy-b", line({ time: "2026-11-24T11:00:00.000Z" }));
  volume.adder().add();
  volume.append("envoy-a", line());
  volume.rename("envoy-a", 1);
  volume.append("envoy-a", line());
  volume.append("envoy-b", line({ time: "2026-11-24T11:00:00.000Z" }));
}

const ALL = [row(2, { date: "2026-11-24" }), row(4)];

/** How many steps an adder takes. */
function stepsOf(prepare: () => void): number {
  prepare();
  let steps = 0;
  volume.adder(stepwise((step) => (steps = step))).add();
  volume.remove();
  volume = new TestVolume();
  return steps;
}

/** The files that a head and its days need. */
function leftovers(): string[] {
  return volume
    .files(".record")
    .filter((name) => !/^(?:head-\d+\.json|day-.*|reserve)$/.test(name));
}

describe("a program that dies", () => {
  test("before any step loses no line and doubles none", () => {
    const steps = stepsOf(halfAdded);
    expect(steps).toBeGreaterThan(30);
    for (let fatal = 1; fatal <= steps; fatal++) {
      halfAdded();
      const dying = stepwise((step) => {
        if (step >= fatal) throw Object.assign(new Error("killed"), { code: "KILLED" });
      });
      expect(() => volume.adder(dying).add()).toThrow("killed");
      const next = volume.adder();
      next.add();
      expect(next.report().days, `killed at step ${fatal}`).toEqual(ALL);
      expect(volume.files("envoy-a"), `killed at step ${fatal}`).toEqual(["requests.jsonl"]);
      volume.append("envoy-a", line());
      next.add();
      expect(leftovers()).toEqual([]);
      expect(volume.files(".record").filter((name) => name.startsWith("head-"))).toHaveLength(1);
      volume.remove();
      volume = new TestVolume();
    }
  });
});

describe("two programs at the same time", () => {
  test("add each line once, whichever step one takes while the other adds", () => {
    const steps = stepsOf(halfAdded);
    for (let between = 1; between <= steps; between++) {
      halfAdded();
      const other = volume.adder();
      const slow = volume.adder(
        stepwise((step) => {
          if (step === between) other.add();
        }),
      );
      try {
        slow.add();
      } catch (error) {
        // A file that the other has deleted: the next time it is no longer named.
        expect((error as { code?: string }).code).toBe("ENOENT");
      }
      slow.add();
      other.add();
      expect(other.report().days, `other at step ${between}`).toEqual(ALL);
      volume.append("envoy-b", line());
      slow.add();
      expect(slow.report().days[1], `other at step ${between}`).toEqual(row(5));
      volume.remove();
      volume = new TestVolume();
    }
  });

  test("add each line once, when one sleeps while the other adds many times", () => {
    const steps = stepsOf(halfAdded);
    for (let between = 1; between <= steps; between++) {
      halfAdded();
      const other = volume.adder();
      const slow = volume.adder(
        stepwise((step) => {
          if (step !== between) return;
          other.add();
          volume.append("envoy-a", line());
          other.add();
          volume.rename("envoy-a", 2);
          volume.append("envoy-a", line());
          other.add();
        }),
      );
      try {
        slow.add();
      } catch (error) {
        expect((error as { code?: string }).code).toBe("ENOENT");
      }
      slow.add();
      const expected = [ALL[0], row(6)];
      expect(slow.report().days, `other at step ${between}`).toEqual(expected);
      expect(other.report().days).toEqual(expected);
      volume.remove();
      volume = new TestVolume();
    }
  });
});

describe("a full disk", () => {
  const full = () => {
    throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  };

  test("changes nothing, and lines are added when there is room again", () => {
    halfAdded();
    const before = volume.files(".record");
    const writeFileSync = ((path: string) => {
      fs.writeFileSync(path, "half");
      full();
    }) as typeof fs.writeFileSync;
    fs.rmSync(`${volume.root}/.record/reserve`);
    expect(() => volume.adder({ writeFileSync }).add()).toThrow("no space left");
    expect(volume.files(".record")).toEqual(before.filter((name) => name !== "reserve"));
    expect(volume.adder().report().days).toEqual([row(1, { date: "2026-11-24" }), row(2)]);
    const adder = volume.adder();
    adder.add();
    expect(adder.report().days).toEqual(ALL);
  });

  test("uses the reserve, deletes what was added, and makes the reserve again", () => {
    halfAdded();
    const reserve = `${volume.root}/.record/reserve`;
    expect(fs.statSync(reserve).size).toBe(1024 * 1024);
    const writeFileSync = ((...args: Parameters<typeof fs.writeFileSync>) => {
      if (fs.existsSync(reserve)) full();
      fs.writeFileSync(...args);
    }) as typeof fs.writeFileSync;
    const adder = volume.adder({ writeFileSync });
    adder.add();
    expect(adder.report().days).toEqual(ALL);
    expect(volume.files("envoy-a")).toEqual(["requests.jsonl"]);
    expect(fs.statSync(reserve).size).toBe(1024 * 1024);
  });
});

test("an old day that gets a late line keeps what it had", () => {
  volume.append("envoy-a", line());
  volume.adder().add();
  volume.append("envoy-a", line({ time: "2026-11-30T10:00:00.000Z" }) + line());
  const adder = volume.adder();
  adder.add();
  expect(adder.report().days).toEqual([row(2), row(1, { date: "2026-11-30" })]);
});
