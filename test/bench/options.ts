import { BadInput, readArguments } from "../../cli/command-line.ts";

/** What `npm run bench` is asked to do. */
export interface Options {
  /** Which of the two parts is measured. */
  readonly relay: boolean;
  readonly program: boolean;
  readonly rounds: number;
  /** Files to write beside the tables on the terminal. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly svg: string | undefined;
}

const DEFAULT_ROUNDS = 5;

export const USAGE = `npm run bench [-- OPTIONS]   what each path costs, and the program itself

  --only relay|program   one of the two parts
  --rounds N             interleaved rounds of the relay part; ${DEFAULT_ROUNDS} if left out
  --json FILE            write every sample and target as JSON
  --html FILE            write it as one self-contained page
  --svg FILE             write the two plots of growth as a picture

The program part takes this clone's embedded cluster down to begin with.`;

const OPTIONS = {
  only: { type: "string" },
  rounds: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  svg: { type: "string" },
} as const;

/** Reads the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const values = readArguments(argv, OPTIONS);
  const rounds = Number(values.rounds ?? DEFAULT_ROUNDS);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new BadInput(`--rounds ${values.rounds} is no whole number from 1 to 100`);
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
