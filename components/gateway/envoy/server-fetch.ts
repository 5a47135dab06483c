import { MAX_REQUEST_BYTES } from "../api/endpoints.ts";
import { SERVER_FETCH, serverFetchKeys, serverFetchSource } from "../server-fetch/filter.ts";
import { lua } from "./headers.ts";
import { extension, type Message } from "./proto.ts";

/** Whether agents may make the API's servers fetch something: `egress.serverFetch`. */
export type ServerFetch = "allow" | "deny";

/**
 * Filters that refuse a request that would make the API's servers fetch something. They come after the one that finds the
 * agent. The second one ends a request when the first one makes its body too large.
 */
export function serverFetchFilters(serverFetch: ServerFetch | undefined): readonly Message[] {
  if (serverFetch !== "deny") return [];
  return [
    lua("server-fetch", serverFetchSource()),
    extension(
      "envoy.filters.http.body_size_limit",
      "envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit",
      { max_request_bytes: MAX_REQUEST_BYTES },
    ),
  ];
}

/** A value of the filter's metadata, as access logs and other formats name it. */
export function serverFetchFormat(key: keyof typeof serverFetchKeys): string {
  return `%DYNAMIC_METADATA(${SERVER_FETCH}:${serverFetchKeys[key]})%`;
}

/** Filter of a local reply: the request was refused, or its body cannot be read. */
export function ofServerFetch(key: "field" | "unreadable"): Message {
  return {
    metadata_filter: {
      matcher: {
        filter: SERVER_FETCH,
        path: [{ key: serverFetchKeys[key] }],
        value: { present_match: true },
      },
      match_if_key_not_found: false,
    },
  };
}
