import { readFileSync } from "node:fs";
import { request } from "node:https";

import { parseKubeconfig } from "./k3s-kubeconfig.ts";

/** How the API server answers a client that uses a kubeconfig. */
export type ApiAnswer =
  | { readonly is: "ready" }
  /** The server rejects the client certificate, or its certificate comes from another authority than the kubeconfig's. */
  | { readonly is: "another"; readonly reason: string }
  | { readonly is: "missing"; readonly reason: string };

/** TLS errors of a server whose certificate another authority signed, for example after the host was recreated. */
const FOREIGN = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_SIGNATURE)/;

/** Asks the API server of a kubeconfig whether it is ready. Gives up after `limitMs`. */
export async function askApi(file: string, limitMs: number): Promise<ApiAnswer> {
  const { server, authority, certificate, key } = parseKubeconfig(readFileSync(file, "utf8"));
  return await new Promise((resolve) => {
    request(new URL("/readyz", server), {
      ca: authority,
      cert: certificate,
      key,
      signal: AbortSignal.timeout(limitMs),
    })
      .on("response", (response) => {
        response.resume();
        resolve(meaning(response.statusCode ?? 0));
      })
      .on("error", (error: NodeJS.ErrnoException) => {
        const code = error.code ?? error.message;
        if (FOREIGN.test(code)) {
          resolve({ is: "another", reason: `another cluster answers at ${server}` });
        } else {
          const why = error.name === "AbortError" ? `timeout after ${limitMs / 1000} s` : code;
          resolve({ is: "missing", reason: `${server} does not answer (${why})` });
        }
      })
      .end();
  });
}

function meaning(status: number): ApiAnswer {
  if (status === 200) return { is: "ready" };
  if (status === 401) return { is: "another", reason: "its certificate is no longer accepted" };
  return { is: "missing", reason: `it is not ready (HTTP ${status})` };
}
