/**
 * A text of the machine's as it may go to a terminal: what is no character to be seen (escape sequences, line breaks,
 * marks that change the direction of writing) is spelled out, as `\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
