import { describe, expect, it } from 'vitest';
import { createLog, isJournal, KindLimit } from '../../src/daemon/log.js';

function capture(options: { journald?: boolean; readable?: boolean; now?: () => number } = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'trace', node: 'line-3', destination: { write: (line) => void lines.push(line) }, ...options });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

describe('log', () => {
  it('writes JSON lines with the node in them', () => {
    const { log, parsed } = capture();
    log.info({ camera: 'belt' }, 'camera belt: streaming');
    log.warn('plain');
    log.error({ err: new Error('broken') }, 'failed');
    expect(parsed()).toMatchObject([
      { level: 30, node: 'line-3', camera: 'belt', msg: 'camera belt: streaming' },
      { level: 40, msg: 'plain' },
      { level: 50, msg: 'failed', err: { message: 'broken' } },
    ]);
  });

  it('is a line of text for a person at a terminal', () => {
    const { log, lines } = capture({ readable: true });
    log.info({ camera: 'belt', dropped: 2 }, 'camera belt: streaming');
    log.error({ err: new Error('broken\n\u001b[2Jpipe') }, 'failed');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info {2}camera belt: streaming {2}camera=belt {2}dropped=2\n$/);
    expect(lines[1]).toMatch(/^\d\d:\d\d:\d\d error failed {2}err="broken/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(lines[1]!.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
  });

  it("puts journald's levels before the lines", () => {
    const { log, lines } = capture({ journald: true });
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const) log[level](`a ${level} message`);
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['<2>{', '<3>{', '<4>{', '<6>{', '<7>{', '<7>{']);
  });

  it('never writes credentials', () => {
    const { log, lines } = capture();
    log.warn({ reason: 'rtsp://admin:hunter2@10.0.0.5/1: refused' }, 'camera rtsp://admin:hunter2@10.0.0.5/1: lost');
    log.info('opening http://cam/?token=hunter2');
    expect(lines.join('')).not.toContain('hunter2');
    expect(lines).toHaveLength(2);
  });

  it('lets a burst through, counts what it holds back, and keeps other messages', () => {
    let now = 0;
    const { log, parsed } = capture({ now: () => now });
    for (let k = 0; k < 500; k += 1) log.warn(`frame ${k} dropped`);
    log.warn('something else');
    expect(parsed()).toHaveLength(21);
    now = 10_001;
    log.warn('frame 500 dropped');
    expect(parsed().at(-1)).toMatchObject({ msg: 'frame 500 dropped', suppressed: 480 });
    log.warn('frame 501 dropped');
    expect(parsed().at(-1)).not.toHaveProperty('suppressed');
  });

  it('says how many lines were lost as soon as one gets through', () => {
    const lines: string[] = [];
    const destination = { lost: 0, write: (line: string) => void lines.push(line) };
    const log = createLog({ level: 'info', node: 'line-3', destination });
    log.info('first');
    destination.lost = 7;
    log.info('second');
    log.info('third');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
      'first',
      'log: 7 lines were lost before this one: standard error was full or not read',
      'second',
      'third',
    ]);
  });

  it('remembers a bounded number of kinds', () => {
    const limit = new KindLimit(() => 0);
    for (let k = 0; k < 30; k += 1) limit.admit('first');
    expect(limit.admit('first')).toBeUndefined();
    for (let k = 0; k < 300; k += 1) limit.admit(`kind ${k}`);
    expect(limit.admit('first')).toBe(0);
  });

  it('knows the journal by its socket', () => {
    expect(isJournal({})).toBe(false);
    expect(isJournal({ JOURNAL_STREAM: '1:2' })).toBe(false);
  });
});
