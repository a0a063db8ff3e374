/** The last line of a terminal, which changes while work goes on, and the lines that scroll above it. */
import { oneLine } from '../printable.js';

const REDRAW_MS = 100;
const CLEAR = '\r\x1b[K';

/** Writes to standard error, on a terminal only. `print` keeps other output from running into it. */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  #text = '';
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  get isShown(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Replaces the text, at most ten times a second. */
  show(text: string): void {
    this.#text = oneLine(text);
    if (!this.isShown || performance.now() - this.#drawnAt < REDRAW_MS) return;
    this.#draw();
  }

  /** Takes the line away while `write` writes whole lines to the same terminal. */
  print<T>(write: () => T): T {
    if (this.isShown && this.#text !== '') this.#stream.write(CLEAR);
    const written = write();
    if (this.isShown && this.#text !== '') this.#draw();
    return written;
  }

  clear(): void {
    if (this.isShown && this.#text !== '') this.#stream.write(CLEAR);
    this.#text = '';
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    this.#stream.write(`${CLEAR}${this.#text.slice(0, Math.max(1, (this.#stream.columns || 80) - 1))}`);
  }
}
