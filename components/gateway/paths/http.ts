import { z } from "zod";
import { ports } from "../../kubernetes/ports.ts";
import { BASE_PATH } from "../api/endpoints.ts";

/** Base URL of a variant whose agents call the gateway over HTTP. */
export function httpBaseUrl(gatewayHost: string): string {
  return `http://${gatewayHost}:${ports.agents}${BASE_PATH}`;
}

/** `gateway.routes`: optional routes that Envoy opens besides the two message routes. */
export const extraRoutes = z
  .array(z.enum(["hello", "models"]))
  .default([])
  .describe(
    "Also relay `HEAD /api/hello` (`hello`) and `GET /v1/models` (`models`). Default none.",
  );
