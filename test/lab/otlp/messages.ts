import protobuf from "protobufjs";

/** What OTLP/HTTP carries here. */
export type Signal = "logs" | "metrics";

export type Attributes = Readonly<Record<string, unknown>>;

/** A log record or a metric, with what its batch says of its sender. */
export interface Item {
  readonly signal: Signal;
  /** Attributes of the sender. */
  readonly resource: Attributes;
  /** Name of the metric, or the body of the log record. */
  readonly name: unknown;
  /** Attributes of the log record, or of each point of the metric with its value under the key `value`. */
  readonly attributes: readonly Attributes[];
}

/**
 * The parts of OpenTelemetry's messages that are read here. The numbers are those of opentelemetry-proto 1.7; fields that are
 * missing here are skipped, as protobuf wants it.
 */
const PROTO = `syntax = "proto3";
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
  ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7; } }
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Logs { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message ScopeLogs { repeated LogRecord log_records = 2; }
message LogRecord { fixed64 time_unix_nano = 1; AnyValue body = 5; repeated KeyValue attributes = 6; string event_name = 12; }
message Metrics { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ScopeMetrics { repeated Metric metrics = 2; }
message Metric { string name = 1; oneof data { Points gauge = 5; Points sum = 7; } }
message Points { repeated NumberDataPoint data_points = 1; }
message NumberDataPoint { repeated KeyValue attributes = 7; oneof value { double as_double = 4; sfixed64 as_int = 6; } }
`;

const { root } = protobuf.parse(PROTO);
const TYPES = { logs: root.lookupType("Logs"), metrics: root.lookupType("Metrics") };

type Json = Readonly<Record<string, unknown>>;

/** The items of a body in protobuf's encoding. Throws if it is malformed. */
export function fromProtobuf(signal: Signal, body: Uint8Array): Item[] {
  const message = TYPES[signal].decode(body);
  return items(signal, message.toJSON());
}

/** The items of a body in OTLP's JSON encoding. Throws if it is malformed. */
export function fromJson(signal: Signal, body: string): Item[] {
  const parsed: unknown = JSON.parse(body);
  const problem = TYPES[signal].verify(TYPES[signal].fromObject(object(parsed)).toJSON());
  if (problem !== null) throw new Error(problem);
  return items(signal, object(parsed));
}

function items(signal: Signal, batch: Json): Item[] {
  const batches = list(signal === "logs" ? batch.resourceLogs : batch.resourceMetrics);
  return batches.flatMap((each) => {
    const resource = attributes(object(each.resource).attributes);
    const scopes = list(signal === "logs" ? each.scopeLogs : each.scopeMetrics);
    return scopes.flatMap((scope): Item[] =>
      signal === "logs"
        ? list(scope.logRecords).map((record) => ({
            ...{ signal, resource, name: plain(record.body) },
            attributes: [attributes(record.attributes)],
          }))
        : list(scope.metrics).map((metric) => ({
            ...{ signal, resource, name: metric.name },
            attributes: list(object(metric.sum ?? metric.gauge).dataPoints).map((point) => ({
              ...attributes(point.attributes),
              value: Number(point.asDouble ?? point.asInt),
            })),
          })),
    );
  });
}

function attributes(keyValues: unknown): Attributes {
  const pairs = list(keyValues).map(({ key, value }) => [String(key), plain(value)] as const);
  return Object.fromEntries<unknown>(pairs);
}

/** The only field of an AnyValue. Lists and maps stay as they are. */
function plain(value: unknown): unknown {
  return Object.values<unknown>(object(value))[0];
}

function list(value: unknown): Json[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error("a repeated field is not a list");
  return value.map(object);
}

function object(value: unknown): Json {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null) throw new Error("a message is not an object");
  return value as Json;
}
