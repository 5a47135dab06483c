/** The API's error types by status, from its documentation, with the messages that it sends. */
const ERRORS: Readonly<Record<number, { readonly type: string; readonly message: string }>> = {
  400: { type: "invalid_request_error", message: "Invalid request" },
  401: { type: "authentication_error", message: "invalid x-api-key" },
  402: {
    type: "billing_error",
    message: "There is an issue with your billing or payment information.",
  },
  403: {
    type: "permission_error",
    message: "Your API key does not have permission to use the specified resource.",
  },
  404: { type: "not_found_error", message: "Not Found" },
  405: { type: "invalid_request_error", message: "Method Not Allowed" },
  409: { type: "conflict_error", message: "The resource was changed by another request." },
  413: { type: "request_too_large", message: "Request exceeds the maximum size" },
  429: {
    type: "rate_limit_error",
    message: "This request would exceed your organization's rate limit. Please try again later.",
  },
  500: { type: "api_error", message: "Internal server error" },
  503: { type: "api_error", message: "Service unavailable" },
  504: { type: "timeout_error", message: "Request timed out" },
  529: { type: "overloaded_error", message: "Overloaded" },
};

/** The content of an error answer besides its status. */
export interface ErrorDetail {
  /** Default: the documented type of the status. */
  readonly type?: string | undefined;
  /** Default: the API's own message for the status. */
  readonly message?: string | undefined;
  /** `error.details`, for example `{ error_code: "enforced_spend_limit_reached" }`. */
  readonly details?: unknown;
}

/** An error of the API. The server sends it as JSON with its status. */
export class ApiError extends Error {
  readonly status: number;
  readonly detail: ErrorDetail;

  constructor(status: number, detail: ErrorDetail = {}) {
    super(detail.message ?? ERRORS[status]?.message ?? `status ${status}`);
    this.status = status;
    this.detail = detail;
  }
}

/** A 400 `invalid_request_error` with the given message. */
export function invalidRequest(message: string): ApiError {
  return new ApiError(400, { message });
}

function errorObject(status: number, detail: ErrorDetail): Record<string, unknown> {
  const known = ERRORS[status] ?? { type: "api_error", message: `Unexpected status ${status}` };
  return {
    type: detail.type ?? known.type,
    message: detail.message ?? known.message,
    ...(detail.details === undefined ? {} : { details: detail.details }),
  };
}

/** The JSON text of an error: body of an error answer, or data of an `event: error` frame. */
export function errorBody(status: number, detail: ErrorDetail, requestId: string): string {
  return JSON.stringify({
    type: "error",
    error: errorObject(status, detail),
    request_id: requestId,
  });
}

/** The format of some of the API's errors, for example `{"error":{"type":"forbidden",…}}` with a 403. */
export function bareErrorBody(status: number, detail: ErrorDetail): string {
  return JSON.stringify({ error: errorObject(status, detail) });
}
