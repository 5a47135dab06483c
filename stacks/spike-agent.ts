/** Name of a spike's only agent. */
export const SPIKE_AGENT = "agent";
