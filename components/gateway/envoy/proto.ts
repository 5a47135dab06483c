/** A message of Envoy's API, in its JSON form. */
export type Message = Readonly<Record<string, unknown>>;

/** A message as an `Any`, which includes the name of its type. */
export function typed(type: string, fields: Message = {}): Message {
  return { "@type": `type.googleapis.com/${type}`, ...fields };
}

/** An extension: a filter, a logger or a monitor. */
export function extension(name: string, type: string, fields: Message = {}): Message {
  return { name, typed_config: typed(type, fields) };
}

/** A TCP address. */
export function socketAddress(address: string, port: number): Message {
  return { socket_address: { address, port_value: port } };
}

/** A duration in Envoy's notation. */
export function seconds(count: number): string {
  return `${count}s`;
}

/** The text of a configuration file, indented because people read it in the ConfigMap. */
export function fileText(value: unknown): string {
  return JSON.stringify(value, null, 2) + "\n";
}
