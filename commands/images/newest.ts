/** A tag with numbers: what is around them, and the numbers. */
interface Numbered {
  readonly shape: string;
  readonly numbers: readonly number[];
}

/** Three numbers with dots, as releases have. A tag of any other form has no order. */
const RELEASE = /^(\D*)(\d+)\.(\d+)\.(\d+)(-?[a-z-]*)$/;

function numbered(tag: string): Numbered | undefined {
  const [, before, major, minor, patch, after] = RELEASE.exec(tag) ?? [];
  if (major === undefined) return undefined;
  return { shape: `${before} ${after}`, numbers: [Number(major), Number(minor), Number(patch)] };
}

/**
 * The newest of `tags` that is written as `tag` is and has its first number, so that a release with breaking changes and
 * another variant of the image are left out. `undefined` if `tag` is the newest, or has no order.
 */
export function newestTag(tag: string, tags: readonly string[]): string | undefined {
  const current = numbered(tag);
  if (current === undefined) return undefined;
  let newest: { readonly tag: string; readonly numbers: readonly number[] } = {
    tag,
    numbers: current.numbers,
  };
  for (const candidate of tags) {
    const other = numbered(candidate);
    if (other?.shape !== current.shape || other.numbers[0] !== current.numbers[0]) continue;
    if (isAfter(other.numbers, newest.numbers)) newest = { tag: candidate, numbers: other.numbers };
  }
  return newest.tag === tag ? undefined : newest.tag;
}

function isAfter(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((number, index) => number !== b[index]);
  return at !== -1 && (a[at] ?? 0) > (b[at] ?? 0);
}
