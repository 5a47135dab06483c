import type { IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";

import { ApiError, invalidRequest } from "./errors.ts";

/** 32 MB: the API's limit for both message routes. */
export const MAXIMUM_BODY_BYTES = 32 * 1024 * 1024;

/** A request's body without its content encoding. The only encoding that the API is known to accept is gzip. */
export function requestContent(headers: IncomingHttpHeaders, body: Buffer): Buffer {
  if (headers["content-encoding"]?.trim().toLowerCase() !== "gzip") return body;
  try {
    return gunzipSync(body, { maxOutputLength: MAXIMUM_BODY_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw new ApiError(413);
    throw invalidRequest(`The request body is not valid gzip: ${(error as Error).message}`);
  }
}
