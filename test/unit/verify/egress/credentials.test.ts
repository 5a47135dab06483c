import { describe, expect, test } from "vitest";
import type { Surroundings } from "../../../verify/egress/attempt.ts";
import { keysIn, type Readable } from "../../../verify/secrets/agent-keys.ts";
import { measureCredentials } from "../../../verify/egress/credentials.ts";
import type { Target } from "../../../lab/target.ts";

const OWN = `cgw-${"o".repeat(48)}`;
const NEIGHBOURS = `cgw-${"n".repeat(48)}`;
const REAL = "sk-ant-api03-the-real-one";

const MINTED = "ya29.the-token-that-the-pod-made";

const around = {
  agent: "dev-e",
  variant: "shim",
  gatewayNamespace: "llm",
  gatewayAddress: "10.43.0.9",
} as Surroundings;

const forbidden = () =>
  Promise.reject(
    Object.assign(new Error("exit code 1"), { stdout: "", stderr: "secrets is forbidden: no" }),
  );

/** A stack with a gateway and two agents, whose first agent can read what is given. */
function stack(
  readable: (planted: string) => Partial<Readable>,
  asked: (args: readonly string[]) => Promise<string> = forbidden,
  /** The token that the gateway's pod made. Default: its credential is stored. */
  minted?: string,
): Target {
  const secret = (name: string, data: Record<string, string>) => ({
    metadata: { name },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    ),
  });
  const secrets: Record<string, object[]> = {
    llm: [
      secret("credentials", { key: REAL }),
      secret("routes", { "routes.json": `{"exact": "${NEIGHBOURS}"}, {"exact": "${OWN}"}` }),
    ],
    "dev-e": [secret("gateway-token", { token: OWN })],
    "dev-f": [secret("gateway-token", { token: NEIGHBOURS })],
  };
  const kubectl: Target["kubectl"] = ([verb, what, where = "", ...more], options) => {
    if (more.some((option) => option.startsWith("--as="))) return asked(more);
    if (verb === "exec" && where === "gateway-1") {
      return Promise.resolve(`{"generic_secret":{"secret":{"inline_string":"${minted ?? ""}"}}}`);
    }
    if (verb === "exec") {
      const [, planted] = JSON.parse(options?.input as string) as [unknown, string];
      const usual = {
        environment: `ANTHROPIC_BASE_URL=x TOKEN=${OWN}`,
        files: `x ${planted} x`,
        answers: ["GET /: 404\n\n{}"],
      };
      return Promise.resolve(JSON.stringify({ ...usual, ...readable(planted) }));
    }
    const items =
      what === "pods"
        ? [gatewayPod(minted !== undefined)]
        : what === "namespaces"
          ? Object.keys(secrets).map((name) => ({ metadata: { name } }))
          : secrets[where.replace("--namespace=", "")];
    return Promise.resolve(JSON.stringify({ items }));
  };
  return { kubectl } as Target;
}

function gatewayPod(mints: boolean) {
  const mint = { name: "mint", volumeMounts: [{ mountPath: "/var/run/tokens" }] };
  return {
    metadata: { name: "gateway-1" },
    status: { phase: "Running" },
    spec: { initContainers: [{ name: "drain" }, ...(mints ? [mint] : [])] },
  };
}

async function measured(readable: (planted: string) => Partial<Readable>, minted?: string) {
  const target = stack(readable, forbidden, minted);
  const rows = await measureCredentials("dev", around, { target });
  return Object.fromEntries(rows.map(({ id, status, evidence }) => [id, { status, evidence }]));
}

describe("the search for keys that an agent can read", () => {
  test("passes if there is only the agent's own key", async () => {
    const rows = await measured(() => ({}));
    expect(rows["credentials.environment"]).toEqual({
      status: "pass",
      evidence:
        "79 characters: none of 3 other keys found, but the control was found (the agent's own environment)",
    });
    expect(rows["credentials.files"]?.status).toBe("pass");
    expect(rows["credentials.answers"]?.status).toBe("pass");
  });

  test.each([
    [
      "in its environment",
      "environment",
      { environment: `ANTHROPIC_BASE_URL=x TOKEN=${OWN} KEY=${REAL}` },
    ],
    ["in an answer", "answers", { answers: [`GET /: 200\n\n{"key": "${REAL}"}`] }],
    [
      "in an answer, in base64",
      "answers",
      { answers: [`GET /: 200\n\n${Buffer.from(`a ${REAL} b`).toString("base64")}`] },
    ],
  ] as [string, string, Partial<Readable>][])("finds the real key %s", async (_, row, readable) => {
    expect((await measured(() => readable))[`credentials.${row}`]).toEqual({
      status: "fail",
      evidence: `llm/credentials key 0 in ${row}`,
    });
  });

  test("finds another agent's token in a file", async () => {
    const rows = await measured((planted) => ({ files: `${planted} ${NEIGHBOURS}` }));
    expect(rows["credentials.files"]).toEqual({
      status: "fail",
      evidence: "llm/routes routes.json 0 in files, dev-f/gateway-token token 0 in files",
    });
  });

  test("also looks for the token that the gateway's pod made", async () => {
    const rows = await measured((planted) => ({ files: `${planted} ${MINTED}` }), MINTED);
    expect(rows["credentials.files"]).toEqual({
      status: "fail",
      evidence: "llm/gateway-1 token 0 in files",
    });
    expect(rows["credentials.environment"]?.evidence).toContain("none of 4 other keys found");
    await expect(measured(() => ({}), "")).rejects.toThrow("pod gateway-1 has no token yet");
  });

  test("fails if it does not find the control", async () => {
    const rows = await measured(() => ({
      environment: "",
      files: "",
      answers: ["GET /: refused"],
    }));
    for (const [id, { status, evidence }] of Object.entries(rows)) {
      if (id === "credentials.api-server") continue;
      expect(status).toBe("fail");
      expect(evidence).toMatch(/^the search did not find .*, so it proves nothing$/);
    }
  });

  test("reports what the API server returns to anonymous clients", async () => {
    const generous = (args: readonly string[]) =>
      args.includes("--as=system:anonymous") ? Promise.resolve("secret/x\n") : forbidden();
    const target = stack(() => ({}), generous);
    const rows = await measureCredentials("dev", around, { target });
    expect(rows.find(({ id }) => id === "credentials.api-server")).toMatchObject({
      status: "fail",
      evidence: "secret/x",
    });
  });
});

test("a private key is searched for by its lines, a host's credential in whatever form, and a certificate is no secret", () => {
  const line = `ab+/${"x".repeat(60)}`;
  const pem = (what: string) =>
    `-----BEGIN ${what}-----\n${line}\n${line}1\n-----END ${what}-----\n`;
  expect(keysIn("authority.pem", pem("CERTIFICATE"))).toEqual([]);
  // Not by a part of a line: it can be of the public key, which the certificate has too.
  expect(keysIn("authority.key", pem("EC PRIVATE KEY"))).toEqual([line, `${line}1`]);
  const file = JSON.stringify({ secret: { inline_string: "pw/1" } }, null, 1);
  expect(keysIn("host-credential-x.org.json", file)).toEqual(["pw/1"]);
  expect(keysIn("other.json", file)).toEqual([]);
});
