/** Text of others on a terminal: of the wire, of model files, of cameras. */

/** C0 without tab and line feed, DEL, C1, and what turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with control characters as `\\u001b`: they could move the cursor, change the title or answer for the user. */
export function withoutControls(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As `withoutControls`, and without line breaks: for a line that is drawn again in its place. */
export function oneLine(text: string): string {
  return withoutControls(text.replace(/[\t-\r]+/g, ' '));
}

/** Writes text that may name files, models or cameras to standard output, as whole lines. */
export function say(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** As `say`, to standard error: what is not the command's result. */
export function tell(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}
