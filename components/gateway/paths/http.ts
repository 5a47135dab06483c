import { z } from "zod";
import { ports } from "../../kubernetes/ports.ts";
import { BASE_PATH } from "../api/endpoints.ts";

/** Base URL where agents speak HTTP to the gateway. */
export function httpBaseUrl(gatewayHost: string): string {
  return `http://${gatewayHost}:${ports.agents}${BASE_PATH}`;
}

/** `gateway.routes`: routes beside the two message routes that Envoy may open. */
export const extraRoutes = z
  .array(z.enum(["hello", "models"]))
  .default([])
  .describe(
    "Also relay `HEAD /api/hello` (`hello`) and `GET /v1/models` (`models`). Default none.",
  );
