/** Text from outside (the wire, model files, cameras, state files) for a terminal or one line of a message. */

/** C0 without tab and line feed, DEL, C1, line and paragraph separators, and the marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** The text with control characters as `\\u001b`: they could move the cursor, change the title or answer for the user. */
export function withoutControls(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As `withoutControls`, and without line breaks. */
export function oneLine(text: string): string {
  return withoutControls(text.replace(/[\t-\r]+/g, ' '));
}
