interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
  readonly minItems?: number;
}

/** The smallest value that a JSON schema accepts, for schemas of tools and structured outputs. */
export function sampleOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return {};
  const { type, properties = {}, required = [], items, minItems = 0, ...rest } = schema as Schema;
  if (rest.const !== undefined) return rest.const;
  if (rest.enum !== undefined) return rest.enum[0];
  switch (typeof type === "string" ? type : type?.[0]) {
    case "string":
      return "A fitting answer";
    case "integer":
    case "number":
      return 1;
    case "boolean":
      return true;
    case "null":
      return null;
    case "array":
      return Array.from({ length: minItems }, () => sampleOf(items));
    default:
      return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name])]));
  }
}
