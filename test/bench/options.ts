import { BadInput, readArguments } from "../../cli/command-line.ts";

/** The options of `npm run bench`. */
export interface Options {
  /** Which parts to measure. Default: all. */
  readonly parts: readonly Part[];
  readonly rounds: number;
  /** Files to write in addition to the tables on the terminal. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly svg: string | undefined;
}

const PARTS = ["relay", "program", "hosts", "flood"] as const;

/** The paths, the commands, both with a hundred allowed hosts, or one agent while another floods the gateway. */
export type Part = (typeof PARTS)[number];

const DEFAULT_ROUNDS = 5;

export const USAGE = `npm run bench [-- OPTIONS]   measure each path, and the commands themselves

  --only PART            measure one part: relay, program, hosts (100 allowed hosts beside 1) or flood
  --rounds N             interleaved rounds of all but program (default ${DEFAULT_ROUNDS})
  --json FILE            write every sample and target as JSON
  --html FILE            write the report as one self-contained page
  --svg FILE             write two plots of growth as an SVG image

The parts program and hosts deploy to this clone's embedded cluster. Program begins by deleting it.`;

const OPTIONS = {
  only: { type: "string" },
  rounds: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  svg: { type: "string" },
} as const;

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const values = readArguments(argv, OPTIONS);
  const rounds = Number(values.rounds ?? DEFAULT_ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new BadInput(`--rounds ${values.rounds} is not a whole number from 1 to 100`);
  }
  const parts = PARTS.filter((part) => values.only === undefined || part === values.only);
  if (parts.length === 0) {
    throw new BadInput(`--only ${values.only} is not one of ${PARTS.join(", ")}`);
  }
  return {
    parts,
    rounds,
    json: values.json,
    html: values.html,
    svg: values.svg,
  };
}
