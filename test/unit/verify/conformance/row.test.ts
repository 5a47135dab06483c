import { expect, test } from "vitest";
import { Row } from "../../../verify/conformance/row.ts";

/** A row whose changes end on command, and the list of events so far. */
function slowRow(items: readonly string[]) {
  const events: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const change = (what: string) =>
    new Promise<void>((resolve, reject) => {
      events.push(what);
      ends.set(what, { resolve, reject });
    });
  const row = new Row<string, string>(items, {
    up: async (item) => {
      await change(`up ${item}`);
      return item.toUpperCase();
    },
    down: (item) => change(`down ${item}`),
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    ...{ row, events },
    end: async (what: string) => {
      await settle();
      ends.get(what)?.resolve();
      await settle();
    },
    fail: async (what: string) => {
      await settle();
      ends.get(what)?.reject(new Error(`${what} failed`));
      await settle();
    },
  };
}

test("while one item is used, the previous one is removed and then the next one is made, one change at a time", async () => {
  const { row, events, end } = slowRow(["a", "b", "c"]);
  let stopUsing: (() => void) | undefined;
  const use = (item: string) =>
    row.use(item, async (up) => {
      events.push(`use ${up}`);
      await new Promise<void>((resolve) => (stopUsing = resolve));
      return up;
    });

  const a = use("a");
  await end("up a");
  expect(events).toEqual(["up a", "use A", "up b"]);
  await end("up b");
  stopUsing?.();
  expect(await a).toBe("A");

  const b = use("b");
  await end("");
  expect(events.slice(3)).toEqual(["down a", "use B"]);
  await end("down a");
  expect(events.slice(5)).toEqual(["up c"]);
  stopUsing?.();
  await b;

  const over = row.end();
  await end("up c");
  await end("down b");
  await end("down c");
  await over;
  expect(events.slice(6)).toEqual(["down b", "down c"]);
});

test("an item that could not be made fails its own use and is still removed", async () => {
  const { row, events, end, fail } = slowRow(["a", "b"]);
  const a = row.use("a", () => Promise.resolve());
  await end("up a");
  await a;
  await fail("up b");
  await end("down a");
  const b = row.use("b", () => Promise.reject(new Error("used")));
  await expect(b).rejects.toThrow("up b failed");
  await end("down b");
  await row.end();
  expect(events).toEqual(["up a", "up b", "down a", "down b"]);
});

test("end() reports an item that could not be removed, after all others are removed", async () => {
  const { row, events, end, fail } = slowRow(["a", "b"]);
  const a = row.use("a", () => Promise.resolve());
  await end("up a");
  await a;
  const over = expect(row.end()).rejects.toThrow("down a failed");
  await end("up b");
  await fail("down a");
  await end("down b");
  await over;
  expect(events).toEqual(["up a", "up b", "down a", "down b"]);
});
