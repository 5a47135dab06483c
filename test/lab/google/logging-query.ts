/**
 * Tells whether a line in Cloud Logging matches a filter, because there is no Cloud Logging here. It knows what the host's
 * alerts use: terms joined by AND, `log_id("…")`, `=` (equal), `:` (contains, in any case) and `severity>=`; a key or value may be quoted. Anything else
 * is an error, so that no filter matches by accident. https://cloud.google.com/logging/docs/view/logging-query-language
 */

/** A line as Cloud Logging keeps it. */
export interface LogEntry {
  readonly logName: string;
  readonly severity?: string;
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> };
  readonly labels?: Readonly<Record<string, string>>;
  readonly textPayload?: string;
  readonly protoPayload?: Readonly<Record<string, unknown>>;
}

const SEVERITIES = ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"];

export function matches(filter: string, entry: LogEntry): boolean {
  return filter.split(" AND ").every((term) => holds(term, entry));
}

function holds(term: string, entry: LogEntry): boolean {
  const [, id] = /^log_id\("([^"]+)"\)$/.exec(term) ?? [];
  if (id !== undefined) return entry.logName.endsWith(`/logs/${encodeURIComponent(id)}`);
  const [, severity] = /^severity>=([A-Z]+)$/.exec(term) ?? [];
  if (severity !== undefined) return rank(entry.severity ?? "DEFAULT") >= rank(severity);
  const [, path, operator, wanted = ""] =
    /^((?:[a-zA-Z_]+|"[^"]+")(?:\.(?:[a-zA-Z_]+|"[^"]+"))*)(=|:)"?([^"]*)"?$/.exec(term) ?? [];
  if (path === undefined) throw new Error(`the simulated Cloud Logging does not know: ${term}`);
  const keys = [...path.matchAll(/[a-zA-Z_]+|"([^"]+)"/g)].map(([bare, quoted]) => quoted ?? bare);
  const value = keys.reduce<unknown>(
    (of, key) => (of as Record<string, unknown> | undefined)?.[key],
    entry,
  );
  if (typeof value !== "string") return false;
  return operator === "=" ? value === wanted : value.toLowerCase().includes(wanted.toLowerCase());
}

function rank(severity: string): number {
  const index = SEVERITIES.indexOf(severity);
  if (index < 0) throw new Error(`the simulated Cloud Logging does not know severity ${severity}`);
  return index;
}

/** A line of a machine's serial console, as it is with `serial-port-logging-enable`. */
export function consoleLine(instanceId: string, text: string): LogEntry {
  return {
    logName: "projects/p/logs/serialconsole.googleapis.com%2Fserial_port_1_output",
    resource: { type: "gce_instance", labels: { instance_id: instanceId } },
    textPayload: text,
  };
}
