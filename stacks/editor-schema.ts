import { z } from "zod";
import { StackConfig } from "./schema.ts";

type Json = Record<string, unknown>;

const PREFIX = "claude-gateway:";

/**
 * JSON Schema of a stack file (`Pulumi.<stack>.yaml`) for editors. It does not contain the checks between keys, which
 * only the stack program makes. A secret may be plain text or `secure: …`.
 */
export function editorSchema(): Json {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Stack file of claude-gateway",
    type: "object",
    properties: {
      config: { anyOf: StackConfig.options.map(ofKind) },
      secretsprovider: { type: "string" },
      encryptionsalt: { type: "string" },
      encryptedkey: { type: "string" },
    },
    required: ["config"],
  };
}

/** How the engine writes an encrypted value into a stack file. */
const secure: Json = {
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
};

/** Lets the secret of a credential be encrypted. */
function maySecure(properties: Record<string, Json>): void {
  for (const key of ["value", "privateKey", "password"]) {
    if (properties[key] === undefined) continue;
    const { description, ...text } = properties[key];
    properties[key] = { description, anyOf: [text, secure] };
  }
}

function ofKind(kind: z.ZodType): Json {
  const schema = z.toJSONSchema(kind, { io: "input", target: "draft-7" }) as {
    properties: Record<string, { oneOf?: { properties: Record<string, Json> }[] }>;
    required?: string[];
  };
  for (const { properties } of schema.properties.credential?.oneOf ?? []) maySecure(properties);
  const { pullCredentials } =
    (schema.properties.host as { properties?: Json } | undefined)?.properties ?? {};
  if (pullCredentials !== undefined) {
    maySecure(
      (pullCredentials as { items: { properties: Record<string, Json> } }).items.properties,
    );
  }
  const { inspect, github } =
    (schema.properties.egress as { properties?: Json } | undefined)?.properties ?? {};
  if (github !== undefined) {
    type Github = { properties: { credential: { oneOf: { properties: Record<string, Json> }[] } } };
    for (const { properties } of (github as Github).properties.credential.oneOf) {
      maySecure(properties);
    }
  }
  if (inspect !== undefined) {
    type OfHost = { items: { properties: { credential: { properties: Record<string, Json> } } } };
    maySecure((inspect as OfHost).items.properties.credential.properties);
  }
  // The gcp: keys belong to the provider, so this schema does not check them.
  const keys = Object.keys(schema.properties).filter((key) => key !== "gcp");
  const properties = Object.fromEntries(keys.map((key) => [PREFIX + key, schema.properties[key]]));
  return {
    type: "object",
    properties,
    required: (schema.required ?? []).filter((key) => key !== "gcp").map((key) => PREFIX + key),
    // Keys of other projects and of providers, such as gcp:project, are not checked.
    propertyNames: {
      anyOf: [{ enum: Object.keys(properties) }, { not: { pattern: `^${PREFIX}` } }],
    },
  };
}

/** The text of the schema's file. */
export function renderEditorSchema(): string {
  return `${JSON.stringify(editorSchema(), null, 2)}\n`;
}
