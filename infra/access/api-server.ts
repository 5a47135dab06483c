import { readFileSync } from "node:fs";
import { request } from "node:https";

import { parseKubeconfig } from "./k3s-kubeconfig.ts";

/** What a cluster's API says to the holder of a kubeconfig. */
export type ApiAnswer =
  | { readonly is: "ready" }
  /** It does not know the client certificate, or the file does not know its certificate authority. */
  | { readonly is: "another"; readonly reason: string }
  | { readonly is: "missing"; readonly reason: string };

/** Errors of a server whose certificate another authority signed: a host that was made anew. */
const FOREIGN = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_SIGNATURE)/;

/** Asks the API of a kubeconfig's cluster whether it is ready, for no longer than a limit. */
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
          const why = error.name === "AbortError" ? `nothing within ${limitMs / 1000} s` : code;
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
