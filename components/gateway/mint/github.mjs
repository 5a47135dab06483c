// A GitHub App: its private key signs an assertion, which GitHub takes for a token of one installation of the App.
// https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
import { createPrivateKey, sign } from "node:crypto";
import fs from "node:fs";
import { tokenOf } from "./answer.mjs";
import { call } from "./call.mjs";

/** GitHub takes 600 at most, and its clock may be behind. */
const LIFETIME_SECONDS = 540;

/** GitHub's clock may be behind. */
const BACKDATED_SECONDS = 60;

export function github({
  endpoint,
  appId,
  installationId,
  privateKeyFile,
  repositories,
  permissions,
}) {
  return {
    usesAssertion: false,
    singleUse: false,

    async mint(_assertion, nowSeconds) {
      const answer = await call({
        url: `${endpoint}/app/installations/${encodeURIComponent(installationId)}/access_tokens`,
        headers: {
          authorization: `Bearer ${appToken(nowSeconds)}`,
          accept: "application/vnd.github+json",
          "x-github-api-version": "2022-11-28",
        },
        body: { repositories, permissions },
      });
      const ends = Date.parse(answer.json.expires_at) / 1000;
      const now = answer.dateSeconds ?? nowSeconds;
      return tokenOf(answer, answer.json.token, Math.floor(ends - now));
    },

    tooShort: (seconds, minSeconds) =>
      `GitHub makes tokens for ${seconds} s, and at least ${minSeconds} s are needed`,

    advice(status) {
      if (status === 401) {
        return `check the App's id (${appId}) and its private key, which must be one of that App's`;
      }
      if (status === 404) {
        return `check the installation's id (${installationId}): the App ${appId} has no such installation`;
      }
      if (status === 422) {
        return `the installation ${installationId} must have been granted the repositories ${repositories?.join(", ")} and the permissions ${Object.entries(
          permissions ?? {},
        )
          .map((pair) => pair.join(": "))
          .join(", ")}`;
      }
      return `check in GitHub's settings whether the installation ${installationId} is suspended`;
    },
  };

  /** Shows that the request comes from the App. */
  function appToken(nowSeconds) {
    const now = Math.floor(nowSeconds);
    const claims = {
      iat: now - BACKDATED_SECONDS,
      exp: now + LIFETIME_SECONDS,
      iss: String(appId),
    };
    const signed = [{ alg: "RS256", typ: "JWT" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), privateKey()).toString("base64url")}`;
  }

  function privateKey() {
    let pem;
    try {
      pem = fs.readFileSync(privateKeyFile, "utf8");
    } catch (error) {
      throw new Error(`the App's private key ${privateKeyFile} cannot be read (${error.code})`, {
        cause: error,
      });
    }
    try {
      const key = createPrivateKey(pem);
      if (key.asymmetricKeyType === "rsa") return key;
    } catch {
      // The error could show a part of the key.
    }
    throw new Error(
      `${privateKeyFile} contains no RSA private key: set the App's key, as GitHub gave it`,
    );
  }
}
