/** Lines on the terminal. Text of others is made printable. */
import { withoutControls } from '../printable.js';

/** Writes text that may name files, models or cameras to standard output, as whole lines. */
export function say(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`);
}

/** As `say`, to standard error: what is not the command's result. */
export function tell(text: string): void {
  process.stderr.write(`${withoutControls(text)}\n`);
}

/** Shows a QR code of a text, for a phone to read, where standard output is a terminal. */
export async function showQrCode(text: string): Promise<void> {
  if (!process.stdout.isTTY) return;
  const { renderUnicodeCompact } = await import('uqr');
  process.stdout.write(`\n${renderUnicodeCompact(text, { border: 2 })}\n\n`);
}
