/** Suffix of the name of the agent in a trial whose budget is a cent in 30 days. */
export const SPENDER = "-spender";
