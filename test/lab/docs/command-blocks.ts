/** A block of commands on a page. */
export interface Block {
  /** The page and the heading above the block, with a number if there are several: `README.md: Spikes`. */
  readonly id: string;
  /** Command lines without their comments. */
  readonly lines: readonly string[];
}

/** The fenced `sh` blocks of a page, in order. */
export function commandBlocks(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let lines: string[] | undefined;
  for (const line of text.split("\n")) {
    if (lines === undefined) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      if (line === "```sh") lines = [];
    } else if (line.startsWith("```")) {
      const same = blocks.filter(({ id }) => id.startsWith(`${page}: ${heading}`)).length;
      blocks.push({ id: `${page}: ${heading}${same === 0 ? "" : ` ${same + 1}`}`, lines });
      lines = undefined;
    } else {
      const command = line.replace(/(^|\s+)# .*$/, "").trim();
      if (command !== "") lines.push(command);
    }
  }
  return blocks;
}
