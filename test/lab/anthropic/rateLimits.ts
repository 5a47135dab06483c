import type { CredentialKind } from "./credentials.ts";
import type { Header } from "./header.ts";

const API_KEY_LIMITS = [
  ["requests", 4_000],
  ["input-tokens", 2_000_000],
  ["output-tokens", 400_000],
  ["tokens", 2_400_000],
] as const;

/** The limit windows of a subscription: name, length in seconds, and the fraction used. */
const SUBSCRIPTION_WINDOWS = [
  ["5h", 5 * 3600, 0.05],
  ["7d", 7 * 24 * 3600, 0.18],
] as const;

/** The rate limit headers for a credential; `exhausted` for a 429. */
export function rateLimitHeaders(kind: CredentialKind, exhausted: boolean): Header[] {
  return kind === "oauth" ? subscriptionLimits(exhausted) : apiKeyLimits(exhausted);
}

function apiKeyLimits(exhausted: boolean): Header[] {
  const reset = new Date(Date.now() + 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return API_KEY_LIMITS.flatMap(([what, limit]): Header[] => [
    [`anthropic-ratelimit-${what}-limit`, String(limit)],
    [`anthropic-ratelimit-${what}-remaining`, String(exhausted ? 0 : limit - 1)],
    [`anthropic-ratelimit-${what}-reset`, reset],
  ]);
}

// These state fractions instead of remaining counts, and epoch seconds instead of dates. The first window is the representative claim.
function subscriptionLimits(exhausted: boolean): Header[] {
  const status = exhausted ? "rejected" : "allowed";
  const resetAfter = (seconds: number) => String(Math.ceil(Date.now() / 1000) + seconds);
  const windows = SUBSCRIPTION_WINDOWS.flatMap(([name, seconds, used], index): Header[] => {
    const binding = exhausted && index === 0;
    return [
      [`anthropic-ratelimit-unified-${name}-status`, binding ? "rejected" : "allowed"],
      [`anthropic-ratelimit-unified-${name}-reset`, resetAfter(seconds)],
      [`anthropic-ratelimit-unified-${name}-utilization`, String(binding ? 1 : used)],
    ];
  });
  return [
    ["anthropic-ratelimit-unified-status", status],
    ...windows,
    ["anthropic-ratelimit-unified-representative-claim", "five_hour"],
    ["anthropic-ratelimit-unified-fallback-percentage", "0.5"],
    ["anthropic-ratelimit-unified-reset", resetAfter(SUBSCRIPTION_WINDOWS[0][1])],
    ["anthropic-ratelimit-unified-overage-status", "rejected"],
    ["anthropic-ratelimit-unified-overage-disabled-reason", "org_level_disabled"],
  ];
}
