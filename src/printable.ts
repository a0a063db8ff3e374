/** Text from outside for a terminal, where control characters would be commands. */

// C0, DEL, C1, and the marks that reorder what is shown.
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with every control character written as `\\u{…}`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
