/**
 * Lines of a GPIO chip, held by the program fastsamd-gpio (native/gpio/main.cc): it switches outputs off when this process ends, however it
 * ends, and when this process says nothing for too long.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FastsamError } from '../errors.js';

const PROGRAM = fileURLToPath(new URL('../../build/Release/fastsamd-gpio', import.meta.url));
const START_MS = 5000;
/** A driver that hangs must not hold up the end of the daemon; the program ends when the driver answers. */
const STOP_MS = 2000;
/** How often in the permitted silence the program is told that this process lives. */
const SIGNS = 3;
/** Bits of outputs follow this character. */
const NONE = '@'.charCodeAt(0);
const LIVES = '.';

export type GpioEdge = 'rising' | 'falling' | 'both';

export interface GpioInputLine {
  /** Device node. */
  readonly chip: string;
  readonly line: number;
  readonly edge: GpioEdge;
  /** Microseconds. */
  readonly debounceUs: number;
  readonly activeLow: boolean;
}

export interface GpioOutputLines {
  readonly chip: string;
  /** At most five. */
  readonly lines: readonly number[];
  readonly activeLow: boolean;
  /** Milliseconds of silence after which the outputs are switched off. */
  readonly staleMs: number;
}

export interface GpioEvents {
  /** CLOCK_MONOTONIC of the edge, and how many before it the kernel had no room for. */
  readonly onEdge?: (atNs: bigint, missed: number) => void;
  /** The outputs were switched off because this process was silent. */
  readonly onStale?: () => void;
  /** The lines are lost: the chip is gone, or the program was killed. Not after `stop`. */
  readonly onLost: (why: string) => void;
}

/** The owner stops it. */
export class GpioLines {
  readonly #words: readonly string[];
  readonly #staleMs: number | undefined;
  readonly #events: GpioEvents;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #signs: NodeJS.Timeout | undefined;
  #last = 0;
  #stopped = false;

  private constructor(words: readonly string[], events: GpioEvents, staleMs?: number) {
    this.#words = words;
    this.#events = events;
    this.#staleMs = staleMs;
  }

  static input({ chip, line, edge, debounceUs, activeLow }: GpioInputLine, events: GpioEvents): GpioLines {
    return new GpioLines(['input', chip, String(line), edge, String(debounceUs), activeLow ? '1' : '0'], events);
  }

  static outputs({ chip, lines, activeLow, staleMs }: GpioOutputLines, events: GpioEvents): GpioLines {
    return new GpioLines(['outputs', chip, lines.join(','), String(staleMs), activeLow ? '1' : '0'], events, staleMs);
  }

  /** Resolves once the lines are held; outputs are off then. Errors: SOURCE_NOT_FOUND, with what the kernel refused. */
  start(): Promise<void> {
    const child = spawn(PROGRAM, this.#words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // What is written to a program that has just ended is of no use; that it ended is told below.
    child.stdin.on('error', () => undefined);
    let why = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      why = (why + text).slice(0, 1000);
    });
    return new Promise((resolve, reject) => {
      let isReady = false;
      const late = setTimeout(() => child.kill('SIGKILL'), START_MS);
      const refuse = (message: string) => reject(new FastsamError('SOURCE_NOT_FOUND', `GPIO: ${message.trim() || 'no answer'}`));
      this.#ended = new Promise((ended) => {
        child.once('error', ({ message }) => {
          clearTimeout(late);
          refuse(message);
          ended();
        });
        child.once('close', (code, signal) => {
          clearTimeout(late);
          clearInterval(this.#signs);
          if (!isReady) refuse(why);
          else if (!this.#stopped) this.#events.onLost(why.trim() || `fastsamd-gpio ended (${signal ?? code})`);
          ended();
        });
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line !== 'ready') {
          this.#take(line);
          return;
        }
        clearTimeout(late);
        isReady = true;
        if (this.#staleMs !== undefined) this.#signs = setInterval(() => child.stdin.write(LIVES), this.#staleMs / SIGNS).unref();
        resolve();
      });
    });
  }

  /** Outputs: the first line by the lowest bit. Nothing happens where the lines are not held. */
  set(bits: number): void {
    this.#child?.stdin?.write(String.fromCharCode(NONE + bits));
  }

  /** Switches outputs off and gives the lines back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#signs);
    this.#child?.stdin?.end();
    await Promise.race([this.#ended, delay(STOP_MS, undefined, { ref: false })]);
  }

  #take(line: string): void {
    if (line === 'stale') this.#events.onStale?.();
    const [, ns, count] = /^edge (\d+) (\d+)$/.exec(line) ?? [];
    if (ns === undefined || count === undefined) return;
    const number = Number(count);
    const missed = Math.max(0, number - this.#last - 1);
    this.#last = number;
    this.#events.onEdge?.(BigInt(ns), missed);
  }
}
