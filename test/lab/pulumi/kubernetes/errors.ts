import { isPropertyMap, type PropertyMap } from "../provider/values.ts";
import { apiVersionOf, textAt, type KubeObject, type ObjectType } from "./object.ts";

/** The API server's refusal; its message is the server's. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;
  readonly status: PropertyMap;

  constructor(code: number, body: string) {
    let status: PropertyMap = {};
    try {
      const parsed: unknown = JSON.parse(body);
      if (isPropertyMap(parsed)) status = parsed;
    } catch {
      // A proxy in front of the server answers in its own words.
    }
    super(textAt(status, "message") || body.trim() || `the server answered with status ${code}`);
    this.code = code;
    this.reason = textAt(status, "reason");
    this.status = status;
  }

  /** Whether the object is missing because its namespace is. */
  get namespaceIsMissing(): boolean {
    return this.code === 404 && textAt(this.status, "details", "kind") === "namespaces";
  }
}

/** The server could not be talked to. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** The server knows no such kind. */
export class NoMatchError extends Error {
  override readonly name = "NoMatchError";
  constructor(type: ObjectType) {
    super(`no matches for kind "${type.kind}" in version "${apiVersionOf(type)}"`);
  }
}

/** An object was written but has not become what it should; `reasons` are shown one by one. */
export class AwaitError extends Error {
  override readonly name = "AwaitError";
  readonly object: KubeObject;
  readonly reasons: readonly string[];
  constructor(message: string, object: KubeObject, reasons: readonly string[] = []) {
    super(message);
    this.object = object;
    this.reasons = reasons;
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
