import type { Finding } from "./look-up.ts";

/** What to put into the stack's configuration, and what is wrong. */
export function renderTerminal(findings: readonly Finding[], stack: string | undefined): string {
  const lines = findings.map((finding) => row(finding));
  const changed = findings.filter(({ image, pinned }) => pinned !== undefined && pinned !== image);
  if (changed.length > 0) {
    const option = stack === undefined ? "" : ` -s ${stack}`;
    lines.push("", "To pin them:");
    lines.push(
      ...changed.map(
        ({ key, pinned = "" }) => `pulumi config set --path images.${key} ${pinned}${option}`,
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

function row({ key, image, pinned, note, signature, problem }: Finding): string {
  const mark = problem === undefined ? "✓" : "✗";
  const said = [pinned === undefined ? image : pinned, note, signature && `signature ${signature}`];
  const text = problem ?? said.filter((part) => part !== undefined).join(", ");
  return `${mark} ${key.padEnd(9)} ${text}`;
}
