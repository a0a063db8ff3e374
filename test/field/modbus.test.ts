/** The Modbus server over real TCP connections: what requests look like is from the specification's own examples. */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { NOK_CODES, UNSURE_CODES, type VerdictMessage } from '../../src/contract/inspection.js';
import { answerTo, ModbusServer } from '../../src/field/modbus.js';
import { CODE_NUMBERS, COIL, PlcPort, RECIPE_REGISTER, REGISTER } from '../../src/field/plc-port.js';
import { ModbusClient } from '../helpers/modbus-client.js';

function verdict(inspection: number, more: Partial<VerdictMessage> = {}): VerdictMessage {
  const value = { measure: 'length', uncertainty: null, result: 'ok' as const };
  return {
    inspection,
    verdict: (['OK', 'NOK', 'UNSURE'] as const)[inspection % 3]!,
    reasons: inspection % 3 === 0 ? [] : ['ABOVE'],
    trigger: { id: 't', type: 'modbus', at: '2027-01-01T00:00:00.000Z' },
    recipe: { id: 'r', revision: inspection, sha256: '0'.repeat(64) },
    model: null,
    frame: null,
    checks: Array.from({ length: 57 }, (_, k) => ({ ...value, id: `c${k}`, value: inspection })),
    latencyMs: { acquire: 0, measure: 0, decide: 0, total: 0 },
    recorded: true,
    ...more,
  };
}

const ready = { state: 'ready', trigger: 'mqtt' } as const;

describe('ModbusServer', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function serve(
    trigger: (part: string | undefined) => Promise<number> = async () => 1,
    options = {},
    loadRecipe: (number: number) => Promise<void> = async () => undefined,
  ) {
    const plc = new PlcPort({ trigger, loadRecipe });
    plc.setState(ready);
    const server = new ModbusServer({ host: '127.0.0.1', port: 0, unit: 1, allow: ['127.0.0.0/8'], ...options }, plc);
    const port = await server.start();
    ends.push(() => server.stop());
    const client = async () => {
      const one = await ModbusClient.connect(port);
      ends.push(() => one.socket.destroy());
      return one;
    };
    return { plc, port, client };
  }

  it('goes through a part: trigger, acknowledgement, result, acknowledgement', async () => {
    const parts: (string | undefined)[] = [];
    const { plc, client } = await serve(async (part) => {
      parts.push(part);
      return 41;
    });
    const plcClient = await client();
    expect((await plcClient.inputs())('triggerReady')).toBe(false);
    await plcClient.set(COIL.triggerEnable, true);
    expect((await plcClient.inputs())('triggerReady')).toBe(true);
    // "SN-0042" into the holding registers 0 to 3.
    await plcClient.ask([16, 0, 0, 0, 4, 8, ...Buffer.from('SN-0042\0')]);
    await plcClient.set(COIL.trigger, true);
    const accepted = await plcClient.inputs();
    expect([accepted('triggerAck'), accepted('missedAcq'), accepted('resultsValid')]).toEqual([true, false, false]);
    expect(parts).toEqual(['SN-0042']);
    await plcClient.set(COIL.trigger, false);
    expect((await plcClient.inputs())('triggerAck')).toBe(false);

    plc.show(
      verdict(41, { verdict: 'NOK', checks: [{ id: 'length', measure: 'length', value: 6.083, uncertainty: null, result: 'nok' }] }),
    );
    const shown = await plcClient.inputs();
    expect([shown('resultsValid'), shown('ok'), shown('nok'), shown('unsure')]).toEqual([true, false, true, false]);
    const registers = await plcClient.registers();
    expect(registers.getUint32(2 * REGISTER.acquisition)).toBe(41);
    expect(registers.getUint32(2 * REGISTER.inspection)).toBe(41);
    expect(registers.getUint16(2 * REGISTER.verdict)).toBe(2);
    expect(registers.getUint16(2 * REGISTER.code)).toBe(CODE_NUMBERS.ABOVE);
    expect(registers.getUint16(2 * REGISTER.checks)).toBe(1);
    expect(registers.getFloat32(2 * REGISTER.values)).toBeCloseTo(6.083, 5);
    expect(registers.getFloat32(2 * REGISTER.values + 4)).toBeNaN();
    await plcClient.set(COIL.resultsAck, true);
    const taken = await plcClient.inputs();
    expect([taken('resultsValid'), taken('nok')]).toEqual([false, false]);
    expect((await plcClient.registers()).getUint16(2 * REGISTER.verdict)).toBe(0);
  });

  it('tells of triggers that it cannot take, and of those that fail', async () => {
    const { plc, client } = await serve(() => Promise.reject(new Error('the disk is full')));
    const one = await client();
    await one.set(COIL.trigger, true);
    expect((await one.inputs())('missedAcq')).toBe(true);
    await one.set(COIL.trigger, false);
    await one.set(COIL.triggerEnable, true);
    await one.set(COIL.trigger, true);
    const failed = await one.inputs();
    expect([failed('triggerAck'), failed('error')]).toEqual([false, true]);
    await one.set(COIL.clearError, true);
    const cleared = await one.inputs();
    expect([cleared('missedAcq'), cleared('error')]).toEqual([false, false]);
    plc.setState({ state: 'ready', trigger: 'frame' });
    expect((await one.inputs())('triggerReady')).toBe(false);
    plc.setState({ state: 'halted', trigger: 'mqtt' });
    expect((await one.inputs())('online')).toBe(false);
  });

  it('loads a recipe by its number, and takes no trigger meanwhile; not while parts wait', async () => {
    const asked: number[] = [];
    let finish: (error?: Error) => void = () => undefined;
    const { plc, client } = await serve(undefined, {}, (number) => {
      asked.push(number);
      return new Promise((resolve, reject) => {
        finish = (error) => (error ? reject(error) : resolve());
      });
    });
    const one = await client();
    const seen = async () => {
      const bits = await one.inputs();
      return { ack: bits('recipeAck'), ready: bits('triggerReady'), error: bits('error') };
    };
    await one.set(COIL.triggerEnable, true);
    await one.ask([6, 0, RECIPE_REGISTER, 0x01, 0x02]);
    await one.set(COIL.recipeLoad, true);
    expect(await seen()).toEqual({ ack: false, ready: false, error: false });
    finish();
    expect(await seen()).toEqual({ ack: true, ready: true, error: false });
    await one.set(COIL.recipeLoad, false);
    expect(await seen()).toEqual({ ack: false, ready: true, error: false });
    await one.set(COIL.recipeLoad, true);
    finish(new Error('not on the list'));
    expect(await seen()).toEqual({ ack: false, ready: true, error: true });
    await one.set(COIL.recipeLoad, false);
    await one.set(COIL.clearError, true);
    plc.setState({ state: 'inspecting', trigger: 'mqtt' });
    await one.set(COIL.recipeLoad, true);
    expect(await seen()).toEqual({ ack: false, ready: true, error: true });
    expect(asked).toEqual([0x102, 0x102]);
  });

  it('keeps eight results in their order, and tells of those that were lost', async () => {
    const { plc, client } = await serve();
    const one = await client();
    for (let k = 1; k <= 10; k += 1) plc.show(verdict(k));
    expect((await one.inputs())('bufferOverrun')).toBe(true);
    const seen: number[] = [];
    while ((await one.inputs())('resultsValid')) {
      seen.push((await one.registers()).getUint32(2 * REGISTER.inspection));
      await one.set(COIL.resultsAck, true);
      await one.set(COIL.resultsAck, false);
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('never mixes two results in one read, however fast they change', async () => {
    const { plc, client } = await serve();
    const [writer, ...readers] = await Promise.all([client(), client(), client(), client()]);
    let done = false;
    let reads = 0;
    const seen = new Set<number>();
    const hammer = async (reader: ModbusClient) => {
      while (!done) {
        const registers = await reader.registers();
        const inspection = registers.getUint32(2 * REGISTER.inspection);
        reads += 1;
        seen.add(inspection);
        const verdictNumber = inspection === 0 ? 0 : 1 + (inspection % 3);
        expect(registers.getUint16(2 * REGISTER.verdict)).toBe(verdictNumber);
        expect(registers.getUint32(2 * REGISTER.revision)).toBe(inspection);
        for (let k = 0; k < 57; k += 1) {
          const value = registers.getFloat32(2 * (REGISTER.values + 2 * k));
          expect(value).toBe(inspection === 0 ? Number.NaN : inspection);
        }
      }
    };
    const hammers = readers.map(hammer);
    for (let k = 1; k <= 300; k += 1) {
      plc.show(verdict(k));
      await writer!.set(COIL.resultsAck, true);
      await writer!.set(COIL.resultsAck, false);
    }
    done = true;
    await Promise.all(hammers);
    expect(reads).toBeGreaterThan(300);
    expect(seen.size).toBeGreaterThan(10);
  });

  it('answers several requests that come in one packet, and one that comes byte by byte', async () => {
    const { port } = await serve();
    const socket = connect(port, '127.0.0.1');
    ends.push(() => socket.destroy());
    const request = (id: number) => [0, id, 0, 0, 0, 6, 1, 1, 0, 0, 0, 4];
    const answers: Buffer[] = [];
    const total = () => Buffer.concat(answers);
    socket.on('data', (data) => answers.push(data));
    socket.write(Buffer.from([...request(1), ...request(2)]));
    for (const byte of request(3)) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (total().length < 30) await once(socket, 'data');
    expect(total()).toEqual(Buffer.from([1, 2, 3].flatMap((id) => [0, id, 0, 0, 0, 4, 1, 1, 1, 0])));
  });

  it('refuses other functions, addresses and values as the specification says', async () => {
    const { client } = await serve();
    const one = await client();
    expect([...(await one.ask([43, 14, 1, 0]))]).toEqual([0xab, 1]);
    expect([...(await one.ask([4, 0, 100, 0, 30]))]).toEqual([0x84, 2]);
    expect([...(await one.ask([4, 0, 0, 0, 126]))]).toEqual([0x84, 3]);
    expect([...(await one.ask([5, 0, 1, 0x12, 0]))]).toEqual([0x85, 3]);
    expect([...(await one.ask([15, 0, 0, 0, 9, 1, 1]))]).toEqual([0x8f, 3]);
    expect([...(await one.ask([16, 0, 16, 0, 2, 4, 0, 0, 0, 0]))]).toEqual([0x90, 2]);
  });

  it('closes clients that are not allowed, speak something else, or are too many', async () => {
    const { port } = await serve(undefined, { allow: ['10.0.0.0/8'] });
    const stranger = connect(port, '127.0.0.1');
    stranger.on('error', () => undefined);
    await once(stranger, 'close');

    const { port: open, client } = await serve();
    const http = connect(open, '127.0.0.1');
    http.on('error', () => undefined);
    http.write('GET / HTTP/1.1\r\nHost: plc\r\n\r\n');
    await once(http, 'close');
    const eight = await Promise.all(Array.from({ length: 8 }, client));
    await Promise.all(eight.map((each) => each.inputs()));
    const ninth = connect(open, '127.0.0.1');
    ninth.on('error', () => undefined);
    await once(ninth, 'close');
    await eight[0]!.inputs();
  });
});

describe('answerTo', () => {
  it('answers any request with at most 253 bytes, and never throws', () => {
    const plc = new PlcPort({ trigger: async () => 1, loadRecipe: async () => undefined });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 253 }), (bytes) => {
        const answer = answerTo(Buffer.from(bytes), plc);
        expect(answer.length).toBeGreaterThan(1);
        expect(answer.length).toBeLessThanOrEqual(253);
        expect(answer[0]! & 0x7f).toBe(bytes[0]! & 0x7f);
      }),
      { numRuns: 2000, examples: [[Uint8Array.of(4, 0, 0, 0, 124)], [Uint8Array.of(15, 0, 0, 0, 4, 1, 15)]] },
    );
  });
});

describe('the numbers of codes', () => {
  it('are all different, and one for each code', () => {
    const codes = [...new Set([...NOK_CODES, ...UNSURE_CODES])];
    expect(Object.keys(CODE_NUMBERS).sort()).toEqual(codes.sort());
    expect(new Set(Object.values(CODE_NUMBERS)).size).toBe(codes.length);
  });
});
