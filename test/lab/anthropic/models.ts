/** The API's data about one model. */
export interface Model {
  readonly id: string;
  readonly displayName: string;
  readonly line: "haiku" | "sonnet" | "opus";
  readonly createdAt: string;
  readonly contextTokens: number;
  readonly outputTokens: number;
  /** A shorter prefix is never cached, even with `cache_control`. */
  readonly minimumCacheableTokens: number;
}

const HAIKU = { line: "haiku", contextTokens: 200_000, outputTokens: 128_000 } as const;
const SONNET = { line: "sonnet", contextTokens: 1_000_000, outputTokens: 128_000 } as const;
const OPUS = { line: "opus", contextTokens: 1_000_000, outputTokens: 128_000 } as const;

/** The models that `GET /v1/models` lists, newest first. */
export const MODELS: readonly Model[] = [
  {
    ...OPUS,
    id: "claude-opus-5-5",
    displayName: "Claude Opus 5.5",
    createdAt: "2026-10-01T00:00:00Z",
    minimumCacheableTokens: 1024,
  },
  {
    ...SONNET,
    id: "claude-sonnet-5-5",
    displayName: "Claude Sonnet 5.5",
    createdAt: "2026-09-01T00:00:00Z",
    minimumCacheableTokens: 1024,
  },
  {
    ...HAIKU,
    id: "claude-haiku-5-5",
    displayName: "Claude Haiku 5.5",
    createdAt: "2026-08-01T00:00:00Z",
    minimumCacheableTokens: 1024,
  },
  {
    ...OPUS,
    id: "claude-opus-4-6",
    displayName: "Claude Opus 4.6",
    createdAt: "2026-02-04T00:00:00Z",
    minimumCacheableTokens: 4096,
  },
  {
    ...SONNET,
    id: "claude-sonnet-4-6",
    displayName: "Claude Sonnet 4.6",
    createdAt: "2026-02-17T00:00:00Z",
    minimumCacheableTokens: 1024,
  },
  {
    ...HAIKU,
    id: "claude-haiku-4-5-20251001",
    displayName: "Claude Haiku 4.5",
    createdAt: "2025-10-15T00:00:00Z",
    outputTokens: 64_000,
    minimumCacheableTokens: 4096,
  },
];

const byId = new Map(MODELS.map((model) => [model.id, model]));

/**
 * The model of that name, or `undefined`, for which the API answers 404. Any other `claude-…` name is accepted as a model
 * of its family, so that a client newer than this table works.
 */
export function findModel(id: string): Model | undefined {
  const known = byId.get(id);
  if (known !== undefined) return known;
  if (!/^claude-[a-z0-9][-a-z0-9.]*$/.test(id)) return undefined;
  const line = id.includes("haiku") ? HAIKU : id.includes("sonnet") ? SONNET : OPUS;
  return {
    ...line,
    id,
    displayName: id,
    createdAt: "2026-01-01T00:00:00Z",
    minimumCacheableTokens: 1024,
  };
}

/** One entry of `GET /v1/models`. */
export function modelInfo(model: Model): Record<string, unknown> {
  return {
    type: "model",
    id: model.id,
    display_name: model.displayName,
    created_at: model.createdAt,
    deprecated_at: null,
    retires_at: null,
    lifecycle: "active",
    line: model.line,
    capabilities: null,
    max_input_tokens: model.contextTokens,
    max_tokens: model.outputTokens,
  };
}
