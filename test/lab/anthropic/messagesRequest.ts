/** One block of a message, a system prompt or a tool result. Its fields depend on its type. */
export interface ContentBlock {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Content as clients may send it: a string, or blocks. */
export type Content = string | readonly ContentBlock[];

/** One message of the conversation. `system` messages may appear between the others. */
export interface ConversationMessage {
  readonly role: "user" | "assistant" | "system";
  readonly content: Content;
}

/** A tool in the request. */
export interface Tool {
  readonly name?: string;
  readonly input_schema?: unknown;
  readonly [field: string]: unknown;
}

/** The body of `POST /v1/messages` and, without `max_tokens`, of `/v1/messages/count_tokens`. */
export interface MessagesRequest {
  readonly model: string;
  readonly max_tokens?: number;
  readonly messages: readonly ConversationMessage[];
  readonly system?: Content;
  readonly tools?: readonly Tool[];
  readonly tool_choice?: { readonly type?: string; readonly name?: string };
  readonly thinking?: { readonly type?: string; readonly display?: string };
  readonly output_config?: { readonly format?: { readonly schema?: unknown } | null };
  readonly stop_sequences?: readonly string[];
  readonly stream?: boolean;
  readonly cache_control?: unknown;
  readonly context_management?: unknown;
}

/** Content as blocks, for both forms. */
export function blocksOf(content: Content | undefined): readonly ContentBlock[] {
  if (content === undefined) return [];
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** The text of all text blocks in a content, joined with line breaks. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as ContentBlock[])
    .filter((block) => block.type === "text")
    .map((block) => String(block.text))
    .join("\n");
}
