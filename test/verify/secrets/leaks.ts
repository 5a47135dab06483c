/** Texts that must not contain a secret, by a description. */
export type Surfaces = Readonly<Record<string, string>>;

/** Where a secret was found, as plain text or in base64: `secret in surface`. */
export function leaks(surfaces: Surfaces, secrets: Readonly<Record<string, string>>): string[] {
  return Object.entries(surfaces).flatMap(([surface, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
      .map(([name]) => `${name} in ${surface}`),
  );
}

/** A value, and its base64 form at each of the offsets that it may have in a longer text. */
function formsOf(value: string): string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.from("-".repeat(offset) + value).toString("base64");
    // The first and last base64 digits depend on the neighboring characters.
    return text.slice(Math.ceil((offset * 8) / 6), -4);
  });
  return [value, ...encoded];
}
