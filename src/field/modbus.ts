/** A Modbus TCP server for one port of a PLC: "MODBUS Application Protocol 1.1b3" and "Messaging on TCP/IP 1.0b". */
import { BlockList, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { COILS, type PlcPort } from './plc-port.js';

export interface ModbusServerOptions {
  readonly host: string;
  readonly port: number;
  /** Requests to other units are not answered; 0 and 255 mean this device. */
  readonly unit: number;
  /** ADDRESS or ADDRESS/BITS of clients that may connect. */
  readonly allow: readonly string[];
}

/** Connections at once; more are closed. */
const MOST_CONNECTIONS = 8;
/** A connection that says nothing for so long is closed. */
const IDLE_MS = 120_000;
const HEADER = 7;
/** Unit and request: a request is at most 253 bytes. */
const MOST_LENGTH = 254;
/** A client that does not read its answers is closed. */
const MOST_UNREAD = 65_536;
const MOST_BITS = 2000;
const MOST_WORDS = 125;
/** Of one write. */
const MOST_WRITTEN_WORDS = 123;

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;

export class ModbusServer {
  readonly #options: ModbusServerOptions;
  readonly #port: PlcPort;
  readonly #allowed: BlockList;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(options: ModbusServerOptions, port: PlcPort) {
    this.#options = options;
    this.#port = port;
    this.#allowed = allowList(options.allow);
  }

  /** Resolves with the number of the port it listens on. Errors: those of the network. */
  async start(): Promise<number> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#take(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port, this.#options.host, resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address ? address.port : this.#options.port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    for (const socket of this.#sockets) socket.destroy();
    if (server?.listening) await new Promise((resolve) => server.close(resolve));
  }

  #take(socket: Socket): void {
    const { remoteAddress = '' } = socket;
    const address = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
    const isAllowed = this.#allowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    if (!isAllowed || this.#sockets.size >= MOST_CONNECTIONS) {
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    let unread: Buffer = Buffer.alloc(0);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (data: Buffer) => {
      unread = unread.length === 0 ? data : Buffer.concat([unread, data]);
      while (unread.length >= HEADER) {
        const length = unread.readUInt16BE(4);
        // Not Modbus, or no longer in step: nothing that follows can be told apart.
        if (unread.readUInt16BE(2) !== 0 || length < 2 || length > MOST_LENGTH || socket.writableLength > MOST_UNREAD) {
          socket.destroy();
          return;
        }
        if (unread.length < 6 + length) return;
        const frame = unread.subarray(0, 6 + length);
        unread = unread.subarray(6 + length);
        const unit = frame.readUInt8(6);
        if (unit !== this.#options.unit && unit !== 0 && unit !== 255) continue;
        const answer = answerTo(frame.subarray(HEADER), this.#port);
        const header = Buffer.from(frame.subarray(0, HEADER));
        header.writeUInt16BE(answer.length + 1, 4);
        socket.write(Buffer.concat([header, answer]));
      }
    });
  }
}

/** Answers one request. Everything that it reads is read at once: no result changes in between. */
export function answerTo(request: Buffer, port: PlcPort): Buffer {
  const code = request.readUInt8(0);
  const refuse = (exception: number) => Buffer.from([code | 0x80, exception]);
  switch (code) {
    case 1:
    case 2:
      return readBits(request, code === 1 ? port.coils() : port.inputs(), refuse);
    case 3:
    case 4:
      return readWords(request, code === 3 ? port.holdingRegisters() : port.inputRegisters(), refuse);
    case 5: {
      if (request.length !== 5) return refuse(ILLEGAL_VALUE);
      const value = request.readUInt16BE(3);
      if (value !== 0 && value !== 0xff00) return refuse(ILLEGAL_VALUE);
      const address = request.readUInt16BE(1);
      if (address >= COILS) return refuse(ILLEGAL_ADDRESS);
      port.setCoil(address, value !== 0);
      return Buffer.from(request);
    }
    case 6: {
      if (request.length !== 5) return refuse(ILLEGAL_VALUE);
      const address = request.readUInt16BE(1);
      if (address >= port.holdingRegisters().length) return refuse(ILLEGAL_ADDRESS);
      port.setHolding(address, [request.readUInt16BE(3)]);
      return Buffer.from(request);
    }
    case 15:
      return writeCoils(request, port, refuse);
    case 16:
      return writeWords(request, port, refuse);
    default:
      return refuse(ILLEGAL_FUNCTION);
  }
}

type Refuse = (exception: number) => Buffer;

function readBits(request: Buffer, bits: readonly boolean[], refuse: Refuse): Buffer {
  if (request.length !== 5) return refuse(ILLEGAL_VALUE);
  const [address, count] = [request.readUInt16BE(1), request.readUInt16BE(3)];
  if (count < 1 || count > MOST_BITS) return refuse(ILLEGAL_VALUE);
  if (address + count > bits.length) return refuse(ILLEGAL_ADDRESS);
  const answer = Buffer.alloc(2 + Math.ceil(count / 8));
  answer[0] = request[0]!;
  answer[1] = answer.length - 2;
  for (let k = 0; k < count; k += 1) if (bits[address + k]) answer[2 + (k >> 3)]! |= 1 << (k & 7);
  return answer;
}

function readWords(request: Buffer, words: Uint16Array, refuse: Refuse): Buffer {
  if (request.length !== 5) return refuse(ILLEGAL_VALUE);
  const [address, count] = [request.readUInt16BE(1), request.readUInt16BE(3)];
  if (count < 1 || count > MOST_WORDS) return refuse(ILLEGAL_VALUE);
  if (address + count > words.length) return refuse(ILLEGAL_ADDRESS);
  const answer = Buffer.alloc(2 + 2 * count);
  answer[0] = request[0]!;
  answer[1] = 2 * count;
  for (let k = 0; k < count; k += 1) answer.writeUInt16BE(words[address + k]!, 2 + 2 * k);
  return answer;
}

function writeCoils(request: Buffer, port: PlcPort, refuse: Refuse): Buffer {
  if (request.length < 7) return refuse(ILLEGAL_VALUE);
  const [address, count] = [request.readUInt16BE(1), request.readUInt16BE(3)];
  const bytes = Math.ceil(count / 8);
  if (count < 1 || count > MOST_BITS || request[5] !== bytes || request.length !== 6 + bytes) return refuse(ILLEGAL_VALUE);
  if (address + count > COILS) return refuse(ILLEGAL_ADDRESS);
  for (let k = 0; k < count; k += 1) port.setCoil(address + k, (request[6 + (k >> 3)]! & (1 << (k & 7))) !== 0);
  return Buffer.from(request.subarray(0, 5));
}

function writeWords(request: Buffer, port: PlcPort, refuse: Refuse): Buffer {
  if (request.length < 8) return refuse(ILLEGAL_VALUE);
  const [address, count] = [request.readUInt16BE(1), request.readUInt16BE(3)];
  if (count < 1 || count > MOST_WRITTEN_WORDS || request[5] !== 2 * count || request.length !== 6 + 2 * count) return refuse(ILLEGAL_VALUE);
  if (address + count > port.holdingRegisters().length) return refuse(ILLEGAL_ADDRESS);
  port.setHolding(
    address,
    Array.from({ length: count }, (_, k) => request.readUInt16BE(6 + 2 * k)),
  );
  return Buffer.from(request.subarray(0, 5));
}

function allowList(allow: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of allow) {
    const [address, bits] = each.split('/') as [string, string?];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
