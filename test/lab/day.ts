const DAY_SECONDS = 86_400;

/**
 * Waits for the next day in UTC if the present one ends in fewer seconds than a test needs. Budgets and the record of usage
 * count by that day, so a test that crossed midnight would find its counts at zero.
 */
export async function untilDayLasts(seconds: number): Promise<void> {
  const left = DAY_SECONDS - ((Date.now() / 1000) % DAY_SECONDS);
  if (left < seconds) await new Promise((resolve) => setTimeout(resolve, (left + 1) * 1000));
}
