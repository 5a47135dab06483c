/** One line of the screen. */
export interface Row {
  readonly title: string;
  readonly text: string;
  /** What a person has to do. Absent if nothing. */
  readonly todo?: string;
}

/** What `npm run status` found; `--json` writes it as it is. */
export interface StatusReport {
  readonly stack: string;
  /** ISO 8601. */
  readonly at: string;
  readonly rows: readonly Row[];
}

/** Whether somebody has to do something. */
export function needsPerson({ rows }: StatusReport): boolean {
  return rows.some(({ todo }) => todo !== undefined);
}

/** Rows of a part that may not answer: an error becomes a row that says so, and the other parts are still shown. */
export async function rowsOf(
  title: string,
  ask: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    return await ask();
  } catch (error) {
    const reason = (error as Error).message.trim().split("\n").at(-1) ?? "";
    return [{ title, text: "unknown", todo: reason }];
  }
}
