import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { INPUT, INPUT_REGISTERS } from '../../src/field/plc-port.js';

/** A Modbus TCP client that sends one request after the other. */
export class ModbusClient {
  readonly socket: Socket;
  #transaction = 0;
  #unread = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<ModbusClient> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new ModbusClient(socket);
  }

  async ask(pdu: readonly number[], unit = 1): Promise<Buffer> {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    const header = Buffer.alloc(7);
    header.writeUInt16BE(this.#transaction, 0);
    header.writeUInt16BE(pdu.length + 1, 4);
    header.writeUInt8(unit, 6);
    this.socket.write(Buffer.concat([header, Buffer.from(pdu)]));
    while (this.#unread.length < 6 || this.#unread.length < 6 + this.#unread.readUInt16BE(4)) {
      const [data] = (await once(this.socket, 'data')) as [Buffer];
      this.#unread = Buffer.concat([this.#unread, data]);
    }
    const end = 6 + this.#unread.readUInt16BE(4);
    const answer = this.#unread.subarray(0, end);
    this.#unread = this.#unread.subarray(end);
    if (answer.readUInt16BE(0) !== this.#transaction) throw new Error('an answer to another request');
    return answer.subarray(7);
  }

  async inputs(): Promise<(name: keyof typeof INPUT) => boolean> {
    const answer = await this.ask([2, 0, 0, 0, 16]);
    return (name) => (answer[2 + (INPUT[name] >> 3)]! & (1 << (INPUT[name] & 7))) !== 0;
  }

  async registers(): Promise<DataView> {
    const answer = await this.ask([4, 0, 0, 0, INPUT_REGISTERS]);
    if (answer.length !== 2 + 2 * INPUT_REGISTERS) throw new Error(`refused: ${answer.toString('hex')}`);
    return new DataView(answer.buffer, answer.byteOffset + 2, 2 * INPUT_REGISTERS);
  }

  set(coil: number, on: boolean): Promise<Buffer> {
    return this.ask([5, 0, coil, on ? 0xff : 0, 0]);
  }
}
