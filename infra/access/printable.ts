/**
 * Makes text from the machine safe for a terminal: escapes every character that is not visible (escape sequences, line
 * breaks, marks that change the writing direction), for example as `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
