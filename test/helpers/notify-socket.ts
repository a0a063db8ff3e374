/** A stand-in for systemd's notify socket. Node cannot receive datagrams of Unix sockets; Python can. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const RECEIVER = `
import socket, sys, json
path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + path[1:] if path.startswith('@') else path)
print(json.dumps('bound'), flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
`;

export class NotifySocket implements Disposable {
  /** Fields of all datagrams, in order: ['READY=1', 'STATUS=…', 'WATCHDOG=1', …]. */
  readonly received: string[] = [];
  /** When each of them came, by performance.now(). */
  readonly times: number[] = [];
  #waiting: (() => void)[] = [];

  private constructor(private readonly child: ChildProcess) {}

  /** `address`: a path, or "@" and an abstract name. */
  static async listen(address: string): Promise<NotifySocket> {
    const child = spawn('python3', ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    const socket = new NotifySocket(child);
    await new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const text = JSON.parse(line) as string;
        if (text === 'bound') resolve();
        else
          for (const field of text.split('\n')) {
            socket.received.push(field);
            socket.times.push(performance.now());
          }
        for (const wake of socket.#waiting.splice(0)) wake();
      });
    });
    return socket;
  }

  /** The first field from position `from` on that matches. The test's own time limit ends a vain wait. */
  async until(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.received.slice(from).find((field) => pattern.test(field));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** How many pings came so far. */
  get pings(): number {
    return this.received.filter((field) => field === 'WATCHDOG=1').length;
  }

  /** The longest time between two pings, or between a ping and the ends of the time from `begin` to `end`. */
  longestGapMs(begin: number, end: number): number {
    const pings = this.times.filter((time, k) => this.received[k] === 'WATCHDOG=1' && time > begin && time < end);
    const moments = [begin, ...pings, end];
    return Math.max(...moments.slice(1).map((time, k) => time - moments[k]!));
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL');
  }
}
