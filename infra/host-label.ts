/** Label on the machine, its disks and the snapshots. The value is the machine's name. */
export const HOST_LABEL = "claude-gateway-host";
