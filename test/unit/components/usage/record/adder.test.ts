import fc from "fast-check";
import * as fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { line, NOON, row, TestVolume } from "./volume.ts";

const DAY_MS = 86_400_000;

let volume: TestVolume;
beforeEach(() => {
  volume = new TestVolume();
});
afterEach(() => {
  volume.remove();
});

/** Adds what is new, and returns the rows. */
function rows(adder = volume.adder()) {
  adder.add();
  return adder.report().days;
}

describe("the sums", () => {
  test("are by day, agent and model, over all pods, and each line is added once", () => {
    volume.append("envoy-a", line() + line({ agent: "dev-f" }) + line({ model: "claude-opus-5" }));
    volume.append("envoy-b", line());
    const adder = volume.adder();
    const expected = [row(2), row(1, { model: "claude-opus-5" }), row(1, { agent: "dev-f" })];
    expect(rows(adder)).toEqual(expected);
    expect(rows(adder)).toEqual(expected);
    volume.append("envoy-b", line());
    expect(rows(volume.adder())[0]).toEqual(row(3));
  });

  test("count a request on the day in UTC on which it ended", () => {
    const time = "2026-11-24T23:59:59.000Z";
    volume.append("envoy-a", line({ time, duration_ms: 999 }) + line({ time, duration_ms: 1000 }));
    expect(rows().map(({ date, requests }) => [date, requests])).toEqual([
      ["2026-11-24", 1],
      ["2026-11-25", 1],
    ]);
  });

  test("count what a budget refused, what was estimated, and what could not be metered", () => {
    const none = {
      ...{ model: null, input_tokens: null, output_tokens: null, cache_read_tokens: null },
      ...{ cache_write_5m_tokens: null, cache_write_1h_tokens: null, cost_usd: null },
    };
    volume.append(
      "envoy-a",
      line({ ...none, status: 429, flags: "RL", metering: null }) +
        line({ ...none, flags: "UF,URX" }) +
        line({ estimated: true }) +
        line({ metering: "unmetered" }),
    );
    const tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    expect(rows()).toEqual([
      row(2, { estimated: 1, unmetered: 1 }),
      row(2, { model: "unknown", refused: 1, tokens, cost: 0 }),
    ]);
  });

  test("of money have no rounding error", () => {
    volume.append("envoy-a", line({ cost_usd: 0.1 }).repeat(10) + line({ cost_usd: 1e-9 }));
    expect(rows()[0]?.cost).toBe(1.000000001);
  });

  test("are the same whatever the order, the pods and the moments of adding", () => {
    const part = fc.record({
      pod: fc.constantFrom("envoy-a", "envoy-b"),
      text: fc
        .record({
          agent: fc.constantFrom("dev-e", "dev-f"),
          input_tokens: fc.nat(100_000),
          cost_usd: fc.nat(2_000_000_000).map((nano) => nano / 1e9),
          duration_ms: fc.nat(2 * DAY_MS),
        })
        .map((fields) => line({ time: "2026-11-23T18:00:00.000Z", ...fields })),
      then: fc.constantFrom("nothing", "add", "rename"),
    });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        const [apart, once] = [new TestVolume(), new TestVolume()];
        try {
          parts.forEach(({ pod, text, then }, index) => {
            apart.append(pod, text);
            once.append("envoy-c", text);
            if (then === "rename") apart.rename(pod, index);
            if (then === "add") apart.adder().add();
          });
          once.adder().add();
          apart.adder().add();
          expect(apart.adder().report()).toEqual(once.adder().report());
        } finally {
          apart.remove();
          once.remove();
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("lines", () => {
  test("that are not complete yet are added when they are", () => {
    volume.append("envoy-a", line() + line().slice(0, 40));
    expect(rows()).toEqual([row(1)]);
    volume.append("envoy-a", line().slice(40));
    expect(rows()).toEqual([row(2)]);
  });

  test("that are no record are left out and counted, and what follows is added", () => {
    volume.append(
      "envoy-a",
      `nonsense\n[]\nnull\n"x"\n{"time":1}\n${line({ time: "soon" })}${line({ agent: 7 })}${line({ duration_ms: 1e300 })}\n`,
    );
    volume.append("envoy-a", line());
    const adder = volume.adder();
    expect(adder.add()).toEqual({ malformed: 8, shrunk: 0 });
    expect(adder.report()).toEqual({ days: [row(1)], problems: { malformed: 8, shrunk: 0 } });
    expect(adder.add()).toEqual({ malformed: 0, shrunk: 0 });
  });

  test("behind the rest of a line that was cut off are added", () => {
    volume.append("envoy-a", line().slice(0, 100) + line({ details: 'a {"b": {"' }));
    const adder = volume.adder();
    expect(adder.add().malformed).toBe(0);
    expect(adder.report().days).toEqual([row(1)]);
  });

  test("of a megabyte are left out, in pieces of bounded size", () => {
    volume.append("envoy-a", `${"x".repeat(1_000_000)}\n${line()}`);
    const sizes: number[] = [];
    const readSync = ((...args: readonly unknown[]) => {
      sizes.push(args[3] as number);
      return (fs.readSync as (...args: readonly unknown[]) => number)(...args);
    }) as typeof fs.readSync;
    expect(rows(volume.adder({ readSync }))).toEqual([row(1)]);
    expect(Math.max(...sizes)).toBe(64 * 1024);
  });

  test("longer than a piece that is read are whole", () => {
    volume.append("envoy-a", line({ details: "ä".repeat(25_000) }).repeat(5));
    expect(rows()).toEqual([row(5)]);
  });
});

describe("files", () => {
  test("that were renamed are read to their end and deleted, once there is a next one", () => {
    volume.append("envoy-a", line());
    const adder = volume.adder();
    expect(rows(adder)).toEqual([row(1)]);
    volume.append("envoy-a", line());
    volume.rename("envoy-a", 1);
    expect(rows(adder)).toEqual([row(2)]);
    // Envoy has not opened the next one yet.
    volume.append("envoy-a", line(), "requests-1.jsonl");
    expect(rows(adder)).toEqual([row(3)]);
    expect(volume.files("envoy-a")).toEqual(["requests-1.jsonl"]);
    volume.append("envoy-a", line(), "requests-1.jsonl");
    volume.append("envoy-a", line());
    expect(rows(adder)).toEqual([row(5)]);
    expect(volume.files("envoy-a")).toEqual(["requests.jsonl"]);
  });

  test("that were renamed several times since the last look are added once", () => {
    volume.append("envoy-a", line());
    rows();
    for (const number of [1, 2, 3]) {
      volume.append("envoy-a", line().repeat(2));
      volume.rename("envoy-a", number);
    }
    volume.append("envoy-a", line());
    expect(rows()).toEqual([row(8)]);
    expect(volume.files("envoy-a")).toEqual(["requests.jsonl"]);
  });

  test.each(["before", "after"])(
    "that are renamed just %s they are opened are added once",
    (when) => {
      volume.append("envoy-a", line());
      rows();
      volume.append("envoy-a", line());
      let renamed = false;
      const rename = () => {
        renamed = true;
        volume.rename("envoy-a", 1);
        volume.append("envoy-a", line().repeat(3));
      };
      const openSync = ((...args: Parameters<typeof fs.openSync>) => {
        const now = !renamed && String(args[0]).endsWith("requests.jsonl");
        if (now && when === "before") rename();
        const fd = fs.openSync(...args);
        if (now && when === "after") rename();
        return fd;
      }) as typeof fs.openSync;
      expect(rows(volume.adder({ openSync }))).toEqual([row(5)]);
    },
  );

  test("that end with half a line are deleted, and the half is counted", () => {
    volume.append("envoy-a", line() + line().slice(0, 30));
    volume.rename("envoy-a", 1);
    volume.append("envoy-a", line());
    const adder = volume.adder();
    expect(adder.add()).toEqual({ malformed: 1, shrunk: 0 });
    expect(adder.report().days).toEqual([row(2)]);
    expect(volume.files("envoy-a")).toEqual(["requests.jsonl"]);
  });

  test("that became shorter are counted, and read from their new end", () => {
    volume.append("envoy-a", line().repeat(3));
    const adder = volume.adder();
    adder.add();
    fs.truncateSync(join(volume.root, "envoy-a/requests.jsonl"), line().length);
    expect(adder.add()).toEqual({ malformed: 0, shrunk: 1 });
    volume.append("envoy-a", line());
    expect(adder.add()).toEqual({ malformed: 0, shrunk: 0 });
    expect(adder.report()).toEqual({ days: [row(4)], problems: { malformed: 0, shrunk: 1 } });
  });

  test("besides those of pods are left alone", () => {
    for (const other of ["lost+found", ".hidden"]) volume.append(other, line());
    fs.writeFileSync(join(volume.root, "note"), line());
    expect(rows()).toEqual([]);
    expect(volume.pods()).toEqual([".hidden", "lost+found", "note"]);
  });
});

describe("folders", () => {
  test("that cannot be read do not keep the others from being added", () => {
    volume.append("envoy-a", line());
    volume.append("envoy-b", line());
    const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    const readdirSync = ((path: string, ...more: unknown[]) => {
      if (path.endsWith("envoy-a")) throw denied;
      return (fs.readdirSync as (...args: unknown[]) => unknown)(path, ...more);
    }) as typeof fs.readdirSync;
    const adder = volume.adder({ ...fs, readdirSync });
    expect(adder.add()).toMatchObject({ error: denied });
    expect(rows(adder)).toEqual([row(1)]);
    expect(rows()).toEqual([row(2)]);
  });

  test("are deleted after an hour without a change, and what they held stays", () => {
    volume.append("envoy-a", line() + line().slice(0, -1));
    const adder = volume.adder();
    adder.add();
    volume.uptime = 3_599_999;
    adder.add();
    expect(volume.pods()).toEqual(["envoy-a"]);
    volume.uptime = 3_600_000;
    adder.add();
    expect(volume.pods()).toEqual([]);
    expect(rows(adder)).toEqual([row(2)]);
  });

  test("stay while the pod shows that it lives", () => {
    const adder = volume.adder();
    volume.append("envoy-a", line());
    volume.append("envoy-a", "", "alive");
    adder.add();
    const alive = join(volume.root, "envoy-a/alive");
    for (const minutes of [50, 100, 150]) {
      volume.uptime = minutes * 60_000;
      fs.utimesSync(alive, new Date(), new Date(Date.now() + minutes));
      adder.add();
    }
    adder.add();
    expect(volume.pods()).toEqual(["envoy-a"]);
  });
});

describe("days", () => {
  const on = (day: number) => line({ time: new Date(NOON + day * DAY_MS).toISOString() });
  const dates = () => rows().map(({ date }) => date);

  test("are kept until there are 90 newer ones, and older lines are left out", () => {
    volume.append("envoy-a", on(0));
    for (let day = 1; day < 90; day++) volume.append("envoy-a", on(day));
    expect(dates()).toHaveLength(90);
    expect(dates()[0]).toBe("2026-11-25");
    volume.append("envoy-a", on(90));
    expect(dates()).toHaveLength(90);
    expect(dates()[0]).toBe("2026-11-26");
    volume.append("envoy-a", on(0));
    expect(dates()[0]).toBe("2026-11-26");
    expect(volume.files(".record").filter((name) => name.startsWith("day-"))).toHaveLength(90);
  });

  test("stay when the clock is wrong for a while", () => {
    volume.append("envoy-a", on(0) + on(1) + on(2000) + on(2));
    expect(dates()).toEqual(["2026-11-25", "2026-11-26", "2026-11-27", "2032-05-17"]);
  });
});
