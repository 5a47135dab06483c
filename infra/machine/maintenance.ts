/** Days of the week, in the order of `date +%u`. */
export const DAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;

/** When the machine may restart k3s or itself. */
export interface Maintenance {
  readonly day: (typeof DAYS)[number] | "daily";
  /** Hour at which the window opens. */
  readonly hourUtc: number;
  /** Length of the window. */
  readonly hours: number;
  /** Whether the machine restarts itself when a new kernel waits. */
  readonly reboot: boolean;
}

/** Metadata key with the window. The machine reads it every few minutes, so a change needs no reboot. */
export const MAINTENANCE_KEY = "claude-gateway-maintenance";

/** Value of {@link MAINTENANCE_KEY}: day (0: every day, 1: Monday), hour, hours, and `reboot` or `keep`; or `off`. */
export function maintenanceLine(window: Maintenance | false): string {
  if (window === false) return "off";
  const day = window.day === "daily" ? 0 : DAYS.indexOf(window.day) + 1;
  return `${day} ${window.hourUtc} ${window.hours} ${window.reboot ? "reboot" : "keep"}`;
}
