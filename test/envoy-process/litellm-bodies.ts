/**
 * Bodies from LiteLLM, recorded from the named releases for the route `/anthropic/v1/messages`. The upstream's error in them
 * is {@link UPSTREAM_ERROR}.
 */
export const UPSTREAM_ERROR =
  '{"type": "error", "error":{"type":"overloaded_error","message":"Overloaded \u00e9 \\u00e9"},"request_id":"req_2"}';

/** 1.91.0, answer to a request without `stream`. */
export const WRAPPED =
  '{"error":{"message":"{\\"type\\": \\"error\\", \\"error\\":{\\"type\\":\\"overloaded_error\\",\\"message\\":\\"Overloaded \u00e9 \\\\u00e9\\"},\\"request_id\\":\\"req_2\\"}","type":"None","param":"None","code":"529"}}';

/** 1.91.0, answer to a request with `"stream": true`. */
export const WRAPPED_STREAMED = `{"error":{"message":"b'{\\"type\\": \\"error\\", \\"error\\":{\\"type\\":\\"overloaded_error\\",\\"message\\":\\"Overloaded \\\\xc3\\\\xa9 \\\\\\\\u00e9\\"},\\"request_id\\":\\"req_2\\"}'","type":"None","param":"None","code":"529"}}`;

/** Errors of the API itself that lack the outer `"type":"error"` or use words that LiteLLM uses too. */
export const UPSTREAM_ODD_ERRORS: readonly { readonly status: number; readonly body: string }[] = [
  { status: 403, body: '{"error":{"type":"forbidden","message":"Request not allowed"}}' },
  { status: 500, body: '{"error":{"type":"api_error","message":"Server disconnected"}}' },
  { status: 500, body: '{"error":{"type":"internal_server_error","message":"timed out"}}' },
  { status: 400, body: '{"error":{"type":"budget_exceeded","message":"no","code":"400"}}' },
  { status: 404, body: '{"detail":"Not Found"}' },
];

/** 1.91.0's answer for an upstream error in ASCII; with `streamed`, the answer to a request with `"stream": true`. */
export function wrappedBy191(status: number, body: string, streamed: boolean): string {
  const message = streamed ? `b'${body}'` : body;
  return JSON.stringify({ error: { message, type: "None", param: "None", code: String(status) } });
}

/** A response of LiteLLM's own, and what the shim turns it into. */
export interface OwnError {
  readonly what: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly shaped: { readonly status: number; readonly type: string; readonly message: string };
  readonly retry?: string;
}

const JSON_TYPE = "application/json";

/** Errors that already have Anthropic's format and neither name their source nor say that the upstream gave no answer. */
export const SHAPED_ERRORS: readonly { readonly status: number; readonly body: string }[] = [
  // 1.110.2: the request's body is not JSON, is not a form, and the upstream does not speak HTTP.
  {
    status: 400,
    body: '{"type":"error","error":{"type":"invalid_request_error","message":"Invalid JSON payload: unexpected end of data: line 1 column 2 (char 1)"}}',
  },
  {
    status: 400,
    body: '{"type":"error","error":{"type":"invalid_request_error","message":"Invalid form payload: 400: Missing boundary in multipart."}}',
  },
  {
    status: 500,
    body: `{"type":"error","error":{"type":"api_error","message":"400, message=\\"Bad status line:\\\\n  Expected HTTP/, RTSP/ or ICE/:\\\\n\\\\n  b'hello'\\\\n    ^\\", url='http://10.0.0.1:1/v1/messages'"}}`,
  },
  // From Envoy's egress listener, which LiteLLM uses.
  {
    status: 502,
    body: '{"type":"error","error":{"type":"api_error","message":"gateway: the upstream cannot be reached"}}',
  },
  {
    status: 500,
    body: '{"type":"error","error":{"type":"api_error","message":"gateway: internal error"}}',
  },
];

export const OWN_ERRORS: readonly OwnError[] = [
  {
    what: "a 503 in its own envelope, which Claude Code has to retry",
    status: 503,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Service unavailable","type":"None","param":"None","code":"503"}}',
    shaped: { status: 503, type: "api_error", message: "Service unavailable" },
    retry: "true",
  },
  {
    what: "1.91.0 and 1.109.1: wrong key, no database",
    status: 400,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}',
    shaped: { status: 401, type: "authentication_error", message: "No connected db." },
    retry: "false",
  },
  {
    what: "1.109.1: no key",
    status: 401,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Authentication Error, No api key passed in.","type":"auth_error","param":null,"code":"401"}}',
    shaped: {
      status: 401,
      type: "authentication_error",
      message: "Authentication Error, No api key passed in.",
    },
    retry: "false",
  },
  {
    what: "1.91.0: no key",
    status: 500,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Internal server error","type":"internal_server_error"}}',
    shaped: { status: 500, type: "api_error", message: "Internal server error" },
  },
  {
    what: "1.109.1: upstream hung up",
    status: 500,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Server disconnected","type":"internal_server_error","param":null,"code":"500"}}',
    shaped: { status: 502, type: "api_error", message: "Server disconnected" },
    retry: "true",
  },
  {
    what: "1.91.0: upstream down",
    status: 500,
    contentType: JSON_TYPE,
    body: `{"error":{"message":"Cannot connect to host 10.0.0.1:1 ssl:default [Connect call failed ('10.0.0.1', 1)]","type":"None","param":"None","code":"500"}}`,
    shaped: {
      status: 502,
      type: "api_error",
      message:
        "Cannot connect to host 10.0.0.1:1 ssl:default [Connect call failed ('10.0.0.1', 1)]",
    },
    retry: "true",
  },
  {
    what: "1.91.0: HTML page from the upstream",
    status: 502,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"<html>bad</html>","type":"None","param":"None","code":"502"}}',
    shaped: { status: 502, type: "api_error", message: "<html>bad</html>" },
    retry: "true",
  },
  {
    what: "budget spent",
    status: 400,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Budget has been exceeded! Current cost: 2.0, Max budget: 1.0","type":"budget_exceeded","param":null,"code":"400"}}',
    shaped: {
      status: 429,
      type: "billing_error",
      message: "Budget has been exceeded! Current cost: 2.0, Max budget: 1.0",
    },
    retry: "false",
  },
  {
    what: "1.109.1: request body is not JSON",
    status: 400,
    contentType: JSON_TYPE,
    body: '{"error":{"message":"Invalid JSON payload: \\"{\\"","type":"invalid_request_error","param":"request_body","code":"400"}}',
    shaped: { status: 400, type: "invalid_request_error", message: 'Invalid JSON payload: "{"' },
  },
  {
    what: "1.110.2: no key",
    status: 401,
    contentType: JSON_TYPE,
    body: '{"type":"error","error":{"type":"authentication_error","message":"invalid gateway token","litellm_error_type":"auth_error"}}',
    shaped: { status: 401, type: "authentication_error", message: "invalid gateway token" },
    retry: "false",
  },
  {
    what: "1.110.2: upstream down",
    status: 500,
    contentType: JSON_TYPE,
    body: `{"type":"error","error":{"type":"api_error","message":"Cannot connect to host 10.0.0.1:1 ssl:<ssl.SSLContext object at 0x7fb516381eb0> [Connect call failed ('10.0.0.1', 1)]"}}`,
    shaped: {
      status: 502,
      type: "api_error",
      message:
        "Cannot connect to host 10.0.0.1:1 ssl:<ssl.SSLContext object at 0x7fb516381eb0> [Connect call failed ('10.0.0.1', 1)]",
    },
    retry: "true",
  },
  {
    what: "1.110.2: upstream hung up",
    status: 500,
    contentType: JSON_TYPE,
    body: '{"type":"error","error":{"type":"api_error","message":"Server disconnected"}}',
    shaped: { status: 502, type: "api_error", message: "Server disconnected" },
    retry: "true",
  },
  {
    what: "1.110.2: upstream reset the connection",
    status: 500,
    contentType: JSON_TYPE,
    body: '{"type":"error","error":{"type":"api_error","message":"[Errno 104] Connection reset by peer"}}',
    shaped: { status: 502, type: "api_error", message: "[Errno 104] Connection reset by peer" },
    retry: "true",
  },
  {
    what: "1.110.2: upstream hung up during its answer",
    status: 500,
    contentType: JSON_TYPE,
    body: `{"type":"error","error":{"type":"api_error","message":"Response payload is not completed: <ContentLengthError: 400, message='Not enough data to satisfy content length header (received 1 of 100 bytes).'>"}}`,
    shaped: {
      status: 502,
      type: "api_error",
      message:
        "Response payload is not completed: <ContentLengthError: 400, message='Not enough data to satisfy content length header (received 1 of 100 bytes).'>",
    },
    retry: "true",
  },
  {
    what: "FastAPI: no such route",
    status: 404,
    contentType: JSON_TYPE,
    body: '{"detail":"Not Found"}',
    shaped: { status: 404, type: "not_found_error", message: "Not Found" },
  },
  {
    what: "FastAPI: parameters",
    status: 422,
    contentType: JSON_TYPE,
    body: '{"detail":[{"type":"missing","loc":["body"]}]}',
    shaped: {
      status: 422,
      type: "invalid_request_error",
      message: "the request was not understood",
    },
  },
  {
    what: "Starlette: exception in a middleware",
    status: 500,
    contentType: "text/plain; charset=utf-8",
    body: "Internal Server Error",
    shaped: { status: 500, type: "api_error", message: "Internal Server Error" },
  },
];
