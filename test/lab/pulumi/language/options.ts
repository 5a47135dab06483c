/** What `runtime.options` of Pulumi.yaml may say, as far as running a program goes. */
export interface RuntimeOptions {
  /** Whether the SDK compiles TypeScript itself; true unless it is set to false. */
  readonly typescript: boolean;
  /** Path to a tsconfig.json for the SDK's own compilation. */
  readonly tsconfig?: string;
  /** Arguments for node itself, in front of the program. */
  readonly nodeArguments: readonly string[];
}

/** Reads the runtime options; throws an error that names a wrong one. */
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

/** Splits a line into words as a shell does, with both kinds of quotes and the backslash. */
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
