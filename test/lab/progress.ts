/** Lets the work of a step say how far it is; the next heart-beat shows the text. */
export type Status = (text: string) => void;

/** Tells a person what runs, how far it is and how long it took. */
export interface Progress {
  /** Runs one step: a line when it starts, a line every 15 s while it runs, a line when it ends. */
  step<T>(title: string, work: (status: Status) => Promise<T>): Promise<T>;
  /** One line that belongs to no step. */
  note(text: string): void;
}

const HEARTBEAT_SECONDS = 15;

/** `7.3 s` below a minute, `2 min 05 s` from there on. */
export function elapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** Progress as plain lines, fit for a terminal and a CI log alike. */
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
