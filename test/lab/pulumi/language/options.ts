/** The options in `runtime.options` of Pulumi.yaml that affect how a program runs. */
export interface RuntimeOptions {
  /** Whether the SDK compiles TypeScript itself. Default: true. */
  readonly typescript: boolean;
  /** Path to a tsconfig.json for the SDK's own compilation. */
  readonly tsconfig?: string;
  /** Arguments for node itself, in front of the program. */
  readonly nodeArguments: readonly string[];
}

/** Reads the runtime options. Throws an error that names an invalid option. */
export function parseOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  const { typescript = true, tsconfig, nodeargs = "" } = options;
  if (typeof typescript !== "boolean") throw new Error("typescript option must be a boolean");
  if (tsconfig !== undefined && typeof tsconfig !== "string") {
    throw new Error("tsconfigpath option must be a string");
  }
  if (typeof nodeargs !== "string") throw new Error("nodeargs option must be a string");
  return {
    typescript,
    ...(tsconfig !== undefined && { tsconfig }),
    nodeArguments: splitShellWords(nodeargs),
  };
}

/** Splits a line into words like a shell, with both kinds of quotes and backslashes. */
export function splitShellWords(line: string): string[] {
  const words = line.match(/(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+/gs) ?? [];
  return words.map((word) =>
    word.replace(
      /\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'/gs,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? double?.replace(/\\(["\\])/g, "$1") ?? single ?? "",
    ),
  );
}
