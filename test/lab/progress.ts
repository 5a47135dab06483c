/** Sets the text that says how far a step is. The next progress line shows it. */
export type Status = (text: string) => void;

/** Tells the user what runs, how far it is and how long it took. */
export interface Progress {
  /** Runs one step: prints a line at its start, every 15 s while it runs, and at its end. */
  step<T>(title: string, work: (status: Status) => Promise<T>): Promise<T>;
  /** Prints one line outside any step. */
  note(text: string): void;
}

const HEARTBEAT_SECONDS = 15;

/** `7.3 s` below one minute, otherwise `2 min 05 s`. */
export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Progress as plain lines, for terminals and CI logs. */
export function lineProgress(
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Progress {
  return {
    note: write,
    async step(title, work) {
      const started = Date.now();
      let detail = "";
      write(`… ${title}`);
      const heartbeat = setInterval(() => {
        const far = detail === "" ? "" : `: ${detail}`;
        write(`  ${title}${far} (${elapsed(Date.now() - started)} so far)`);
      }, HEARTBEAT_SECONDS * 1000);
      try {
        const result = await work((text) => (detail = text));
        write(`✓ ${title} (${elapsed(Date.now() - started)})`);
        return result;
      } catch (error) {
        write(`✗ ${title} (${elapsed(Date.now() - started)})`);
        throw error;
      } finally {
        clearInterval(heartbeat);
      }
    },
  };
}
