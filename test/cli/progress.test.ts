import { describe, expect, it } from 'vitest';
import { progressText } from '../../src/cli/progress.js';
import { StatusLine } from '../../src/cli/status-line.js';

const CLEAR = '\r\x1b[K';

/** A terminal of one line that remembers what scrolled past. */
class Terminal {
  readonly isTTY = true;
  readonly columns = 20;
  readonly scrolled: string[] = [];
  current = '';

  write(text: string): boolean {
    for (const part of text.replaceAll(CLEAR, '\0\r\0').replaceAll('\n', '\0\n\0').split('\0')) {
      if (part === '\n') this.scrolled.push(this.current);
      if (part === '\n' || part === '\r') this.current = '';
      else this.current += part;
    }
    return true;
  }
}

describe('the progress line', () => {
  it('never runs into output', () => {
    const terminal = new Terminal();
    const line = new StatusLine(terminal as unknown as NodeJS.WriteStream);
    line.show('1 frames');
    line.print(() => terminal.write('a.jpg: 3 objects\n'));
    expect(terminal).toMatchObject({ scrolled: ['a.jpg: 3 objects'], current: '1 frames' });
    line.show('a text that is longer than the terminal is wide');
    line.print(() => terminal.write('b.jpg: 1 object\n'));
    expect(terminal.current.length).toBeLessThan(terminal.columns);
    line.clear();
    line.print(() => terminal.write('wrote x\n'));
    expect(terminal).toMatchObject({ scrolled: ['a.jpg: 3 objects', 'b.jpg: 1 object', 'wrote x'], current: '' });
  });

  it('says how far the work is and how long it takes, where that is known', () => {
    expect(progressText(50, 200, 10)).toBe('█████░░░░░░░░░░░░░░░ 50/200 frames  5.0 fps  30 s left');
    expect(progressText(10, 4000, 10)).toContain('1 h 6 min left');
    expect(progressText(7, undefined, 2)).toBe('7 frames  3.5 fps');
    // A file whose index counts too few.
    expect(progressText(8, 7, 2)).toBe('8 frames  4.0 fps');
  });
});
