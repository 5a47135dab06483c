import { BadInput, readArguments } from "../../cli/command-line.ts";

/** The options of `npm run bench`. */
export interface Options {
  /** Which of the two parts to measure. Default: both. */
  readonly relay: boolean;
  readonly program: boolean;
  readonly rounds: number;
  /** Files to write in addition to the tables on the terminal. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly svg: string | undefined;
}

const DEFAULT_ROUNDS = 5;

export const USAGE = `npm run bench [-- OPTIONS]   measure each path, and the commands themselves

  --only relay|program   measure only one of the two parts
  --rounds N             interleaved rounds of the relay part(default ${DEFAULT_ROUNDS})
  --json FILE            write every sample and target as JSON
  --html FILE            write the report as one self-contained page
  --svg FILE             write two plots of growth as an SVG image

The program part begins by deleting this clone's embedded cluster.`;

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
  if (values.only !== undefined && !["relay", "program"].includes(values.only)) {
    throw new BadInput(`--only ${values.only} is not one of relay, program`);
  }
  return {
    relay: values.only !== "program",
    program: values.only !== "relay",
    rounds,
    json: values.json,
    html: values.html,
    svg: values.svg,
  };
}
