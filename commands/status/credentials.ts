import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { TOKENS_DIR } from "../../components/gateway/mint/place.ts";
import type { Row } from "./report.ts";

/** A credential that the gateway's pod makes. */
export interface Minted {
  readonly name: string;
  /** Absent if there is no token. */
  readonly secondsLeft?: number;
  /** Why there was none at the start. */
  readonly problem?: string;
}

/** Prints {@link Minted} of each credential in the helper's container as JSON, and no token. */
export const MINTED_SCRIPT = `
const fs = require("node:fs"), os = require("node:os"), dir = "${TOKENS_DIR}/state";
const found = fs.readdirSync(dir).filter((file) => file.endsWith(".json") && !file.startsWith("."));
console.log(JSON.stringify(found.map((file) => {
  const name = file.slice(0, -5), { token } = JSON.parse(fs.readFileSync(dir + "/" + file, "utf8"));
  if (token) return { name, secondsLeft: Math.floor(token.endsAt - os.uptime()) };
  try { return { name, problem: fs.readFileSync(dir + "/" + name + ".problem", "utf8").trim() }; }
  catch { return { name }; }
})));`;

/** One row for each credential that the gateway's pod makes. */
export function mintedRows(minted: readonly Minted[]): Row[] {
  return minted.map(({ name, secondsLeft, problem }) =>
    secondsLeft !== undefined && secondsLeft > 0
      ? {
          title: `credential ${name}`,
          text: `made by the gateway's pod, good for ${Math.floor(secondsLeft / 60)} min, renewed before its end`,
        }
      : {
          title: `credential ${name}`,
          text: "no token: agents get 503",
          todo: problem ?? "see the log of the container mint in the gateway's pod",
        },
  );
}

/** A certificate that ends sooner is somebody's task. */
const SOON_MS = 30 * 86_400_000;

/** When the client certificate of a kubeconfig ends. No row if the file has none. */
export async function kubeconfigRows(file: string, nowMs: number, todo: string): Promise<Row[]> {
  const { users = [] } = parse(await readFile(file, "utf8")) as {
    users?: readonly { user?: { "client-certificate-data"?: string } }[];
  };
  return users.flatMap(({ user }) => {
    const data = user?.["client-certificate-data"];
    if (data === undefined) return [];
    const ends = new Date(new X509Certificate(Buffer.from(data, "base64")).validTo);
    const soon = ends.getTime() - nowMs < SOON_MS;
    return [
      {
        title: "kubeconfig",
        text: `its certificate ends on ${ends.toISOString().slice(0, 10)}`,
        ...(soon && { todo }),
      },
    ];
  });
}
