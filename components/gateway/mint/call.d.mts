export declare class CallError extends Error {
  constructor(message: string, outcome: "unsent" | "busy" | "refused" | "unusable" | "lost");
}
