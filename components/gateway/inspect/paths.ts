/** Escapes of a path that mean one thing to every server, as RE2. `3b` is `;`. */
const ESCAPES =
  "2[0-46-9a-dA-D]|[46][0-9a-fA-F]|5[0-9abdefABDEF]|7[0-9a-eA-E]|[89abdefABDEF][0-9a-fA-F]|[cC][2-9a-fA-F]";

/** A character that a dot segment cannot continue with. Some servers read `..;x` as `..`. */
const BEGINS = `(?:[A-Za-z0-9_~!$&'()*+,=:@-]|%(?:${ESCAPES}|3[0-9ac-fAC-F]))`;
const GOES_ON = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?:${ESCAPES}|3[0-9a-fA-F]))`;

const SEGMENT = `(?:\\.{0,2}${BEGINS}|\\.{3})${GOES_ON}*`;

/**
 * A path that every server reads in the same way, as RE2. An encoded slash is allowed, because npm writes `@scope%2fname`,
 * but between segments only. Not allowed: a segment `.` or `..`, also between encoded slashes or before `;`; an empty segment (`//`);
 * an encoded dot, backslash, percent sign or control character; a byte sequence that is no UTF-8.
 */
export const CLEAN_PATH = `/(?:${SEGMENT}(?:(?:/|%2[fF])${SEGMENT})*/?)?`;

const clean = new RegExp(`^${CLEAN_PATH}$`);

/** What is wrong with a path of `egress.inspect`; `undefined` if nothing is. */
export function pathProblem(path: string): string | undefined {
  if (!path.startsWith("/")) return `does not begin with a slash: write "/${path}"`;
  if (/[?#]/.test(path))
    return "has a query or a fragment: write only the path; any query is allowed";
  const fixed = path.replace(/\*$/, "");
  if (fixed.includes("*"))
    return "has an asterisk that is not its last character: write one path for each";
  // What follows the asterisk is a path of its own kind; here it stands for the shortest one.
  const example = fixed === path || /[/]$/.test(fixed) ? fixed : `${fixed}x`;
  if (clean.test(example)) return undefined;
  return (
    "can be read in two ways, and requests with such a path are refused: write it without empty, . and .. segments, " +
    "and without an encoded dot, backslash or percent sign"
  );
}

/** The RE2 for a path of `egress.inspect`: one path, or all that begin with it if it ends with `*`. */
export function pathPattern(path: string): string {
  const fixed = path.replace(/\*$/, "");
  // The letters of an escape may be written in either case.
  const pattern = fixed.replaceAll(/%([0-9a-fA-F]{2})|[^A-Za-z0-9/_~-]/g, (text, hex?: string) =>
    hex === undefined ? `\\${text}` : `%${hex.replaceAll(/[a-f]/gi, bothCases)}`,
  );
  return fixed === path ? pattern : `${pattern}.*`;
}

function bothCases(letter: string): string {
  return `[${letter.toLowerCase()}${letter.toUpperCase()}]`;
}
