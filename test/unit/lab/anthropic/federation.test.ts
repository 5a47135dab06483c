import { afterEach, beforeEach, expect, test } from "vitest";
import type { FederationRule } from "../../../lab/tokens/anthropic.ts";
import { ClusterIssuer } from "../../../lab/tokens/issuer.ts";
import { call, errorOf, HEADERS, json, SMALL, startFake } from "./harness.ts";

const SUBJECT = "system:serviceaccount:claude-gateway:claude-gateway";
const AUDIENCE = "https://api.anthropic.com";

let fake: Awaited<ReturnType<typeof startFake>>;
let issuer: ClusterIssuer;
let rule: FederationRule;

beforeEach(async () => {
  fake = await startFake();
  issuer = await ClusterIssuer.create();
  rule = {
    id: "fdrl_01unit",
    organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    serviceAccount: "svac_01unit",
    workspaces: ["wrkspc_01unit"],
    issuer: issuer.issuer,
    keys: issuer.keys,
    subject: SUBJECT,
    audience: AUDIENCE,
    lifetimeSeconds: 900,
    maxAssertionSeconds: 3600,
  };
});
afterEach(() => fake.stop());

function exchange(assertion: string) {
  return call(fake.port, {
    path: "/v1/oauth/token",
    headers: { "content-type": "application/json" },
    body: {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion,
      federation_rule_id: rule.id,
      organization_id: rule.organization,
      service_account_id: rule.serviceAccount,
    },
  });
}

const ask = (token: string) =>
  call(fake.port, {
    body: SMALL,
    headers: {
      "anthropic-version": HEADERS["anthropic-version"],
      "anthropic-beta": "oauth-2025-04-20",
      authorization: `Bearer ${token}`,
    },
  });

test("an assertion that matches a rule makes one token, which the message route takes", async () => {
  await fake.control.setFederationRules([rule]);
  const assertion = await issuer.assertion(SUBJECT, AUDIENCE);
  const answer = await exchange(assertion);
  expect(answer.status).toBe(200);
  expect(json(answer)).toMatchObject({ token_type: "Bearer", expires_in: 900 });
  const token = String(json(answer).access_token);
  expect((await ask(token)).status).toBe(200);
  expect((await ask(`${token}x`)).status).toBe(401);
  // Without the beta, the message route refuses it as any other OAuth token.
  const bare = {
    "anthropic-version": HEADERS["anthropic-version"],
    authorization: `Bearer ${token}`,
  };
  expect(errorOf(await call(fake.port, { body: SMALL, headers: bare })).message).toBe(
    "OAuth authentication is currently not supported.",
  );

  const again = await exchange(assertion);
  expect([again.status, errorOf(again).type]).toEqual([401, "authentication_error"]);
  expect(await fake.control.federationEvents()).toEqual(["jti_reused"]);
});

test("rules are replaced by control, and a used assertion stays used", async () => {
  const assertion = await issuer.assertion(SUBJECT, AUDIENCE);
  expect((await exchange(assertion)).status).toBe(401);
  await fake.control.setFederationRules([rule]);
  expect((await exchange(assertion)).status).toBe(200);
  await fake.control.reset();
  await fake.control.setFederationRules([{ ...rule, subject: "somebody else" }]);
  expect((await exchange(await issuer.assertion(SUBJECT, AUDIENCE))).status).toBe(401);
  await fake.control.setFederationRules([rule]);
  expect((await exchange(assertion)).status).toBe(401);
  await fake.control.setFederationRules([]);
  expect((await exchange(await issuer.assertion(SUBJECT, AUDIENCE))).status).toBe(401);
  const events = await fake.control.federationEvents();
  expect([events[0], events[2], events[3]]).toEqual([
    "rule_not_found",
    "jti_reused",
    "rule_not_found",
  ]);
});

test("a script can answer instead, as for an outage", async () => {
  await fake.control.setFederationRules([rule]);
  await fake.control.push({
    match: { path: "/v1/oauth/token" },
    action: { kind: "error", status: 503 },
  });
  const assertion = await issuer.assertion(SUBJECT, AUDIENCE);
  expect((await exchange(assertion)).status).toBe(503);
  expect((await exchange(assertion)).status).toBe(200);
});

test("control refuses a rule with a lifetime that the Console does not take", async () => {
  await expect(fake.control.setFederationRules([{ ...rule, lifetimeSeconds: 59 }])).rejects.toThrow(
    "PUT /federation: ",
  );
});
