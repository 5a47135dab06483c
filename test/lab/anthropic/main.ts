/**
 * Runs the fake Anthropic API (see server.ts) as a process:
 *   tsx main.ts --listen 160.79.104.10:443 --cert FILE --key FILE [--cert FILE --key FILE …]
 *               [--listen-http 127.0.0.1:8080] --control SOCKET [--credentials FILE] [--idle-seconds 400]
 * Prints one line of JSON with its addresses when all listeners are open. SIGTERM or SIGINT ends it.
 */
import { serve } from "./serve.ts";

serve(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`fake anthropic: ${(error as Error).message}\n`);
  process.exitCode = 2;
});
