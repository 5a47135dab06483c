import { expect, test } from "vitest";
import { Row } from "../../../verify/conformance/row.ts";

/** A row whose changes end when they are told to, and what has happened so far. */
function slowRow(items: readonly string[]) {
  const told: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const change = (what: string) =>
    new Promise<void>((resolve, reject) => {
      told.push(what);
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
    ...{ row, told },
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

test("while one is used, the one before goes and then the next one comes, and never two change at once", async () => {
  const { row, told, end } = slowRow(["a", "b", "c"]);
  let stopUsing: (() => void) | undefined;
  const use = (item: string) =>
    row.use(item, async (up) => {
      told.push(`use ${up}`);
      await new Promise<void>((resolve) => (stopUsing = resolve));
      return up;
    });

  const a = use("a");
  await end("up a");
  expect(told).toEqual(["up a", "use A", "up b"]);
  await end("up b");
  stopUsing?.();
  expect(await a).toBe("A");

  const b = use("b");
  await end("");
  expect(told.slice(3)).toEqual(["down a", "use B"]);
  await end("down a");
  expect(told.slice(5)).toEqual(["up c"]);
  stopUsing?.();
  await b;

  const over = row.end();
  await end("up c");
  await end("down b");
  await end("down c");
  await over;
  expect(told.slice(6)).toEqual(["down b", "down c"]);
});

test("an item that did not come up fails its own use, and is removed all the same", async () => {
  const { row, told, end, fail } = slowRow(["a", "b"]);
  const a = row.use("a", () => Promise.resolve());
  await end("up a");
  await a;
  await fail("up b");
  await end("down a");
  const b = row.use("b", () => Promise.reject(new Error("used")));
  await expect(b).rejects.toThrow("up b failed");
  await end("down b");
  await row.end();
  expect(told).toEqual(["up a", "up b", "down a", "down b"]);
});

test("the end tells of what could not be removed, after all the others are gone", async () => {
  const { row, told, end, fail } = slowRow(["a", "b"]);
  const a = row.use("a", () => Promise.resolve());
  await end("up a");
  await a;
  const over = expect(row.end()).rejects.toThrow("down a failed");
  await end("up b");
  await fail("down a");
  await end("down b");
  await over;
  expect(told).toEqual(["up a", "up b", "down a", "down b"]);
});
