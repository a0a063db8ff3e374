/** A daemon that inspects at the trigger of a PLC or of a GPIO line, and shows them the verdict. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { EventMessage } from '../../src/contract/messages.js';
import { COIL, RECIPE_REGISTER, REGISTER } from '../../src/field/plc-port.js';
import { GpioChip } from '../helpers/gpio-chip.js';
import { EVENT, InspectingNode, recipe } from '../helpers/inspecting-node.js';
import { ModbusClient } from '../helpers/modbus-client.js';
import { freePort, hasMosquitto } from '../helpers/mosquitto.js';

describe.skipIf(!hasMosquitto)('a node that inspects for a machine (needs mosquitto)', { timeout: 120_000 }, () => {
  const node = InspectingNode.forTests();

  it('takes a trigger from a PLC, and shows the verdict in its registers', async () => {
    const port = await freePort();
    await node.run(recipe({ number: 42 }), 0, { inspection: { output: { modbus: { port } } } });
    const plc = await ModbusClient.connect(port);
    await plc.ask([16, 0, 0, 0, 4, 8, ...Buffer.from('SN-0042\0')]);
    await plc.set(COIL.triggerEnable, true);
    expect((await plc.inputs())('triggerReady')).toBe(true);
    await plc.set(COIL.trigger, true);
    await vi.waitFor(async () => expect((await plc.inputs())('resultsValid')).toBe(true), { timeout: 60_000, interval: 20 });
    const registers = await plc.registers();
    expect((await plc.inputs())('ok')).toBe(true);
    expect(registers.getUint16(2 * REGISTER.recipe)).toBe(42);
    expect(registers.getUint32(2 * REGISTER.acquisition)).toBe(1);
    expect(registers.getUint32(2 * REGISTER.inspection)).toBe(1);
    expect(registers.getFloat32(2 * REGISTER.values)).toBeGreaterThanOrEqual(1);
    expect(await node.verdictOf(1)).toMatchObject({ trigger: { type: 'modbus' }, part: 'SN-0042', verdict: 'OK' });
    plc.socket.destroy();
  });

  it('lets a PLC load the recipes that its configuration names, by their number', async () => {
    const port = await freePort();
    await node.run(recipe({ number: 42 }), 0, { inspection: { output: { modbus: { port, recipes: ['three', 'other'] } } } });
    await node.ask('recipe/set', { camera: 'belt', recipe: recipe({ recipe: 'other', number: 7 }) });
    await node.ask('recipe/set', { camera: 'belt', recipe: recipe({ recipe: 'secret', number: 8 }) });
    const plc = await ModbusClient.connect(port);
    const load = async (number: number, bit: 'recipeAck' | 'error') => {
      await plc.ask([6, 0, RECIPE_REGISTER, 0, number]);
      await plc.set(COIL.recipeLoad, true);
      await vi.waitFor(async () => expect((await plc.inputs())(bit)).toBe(true), { timeout: 30_000, interval: 20 });
      await plc.set(COIL.recipeLoad, false);
    };
    const from = node.observer.received.length;
    await load(7, 'recipeAck');
    expect((await plc.registers()).getUint16(2 * REGISTER.recipe)).toBe(7);
    expect(
      await node.observer.untilJson(EVENT, (event: EventMessage) => event.type === 'recipe-changed' && event.change === 'activated', from),
    ).toMatchObject({
      change: 'activated',
      recipe: { id: 'other', revision: 1 },
      by: 'modbus',
    });
    await load(8, 'error');
    await plc.set(COIL.clearError, true);
    expect((await node.ask('recipe/get', { camera: 'belt' })).data).toMatchObject({ recipe: { recipe: 'other' }, active: true });
    await load(42, 'recipeAck');
    expect((await node.ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({
      verdict: { recipe: { id: 'three' } },
    });
    plc.socket.destroy();
  });

  it('takes triggers from a GPIO line at the time of their edge, and switches its outputs off when it is killed', async () => {
    using chip = new GpioChip(await mkdtemp(join(node.directory, 'gpio-')));
    const input = { gpio: { chip: chip.path, line: 7, debounceUs: 500 } };
    const output = { gpio: { chip: chip.path, ok: 12, nok: 13, busy: 14, pulseMs: 60_000 } };
    await node.run(recipe(), 0, { inspection: { input, output }, environment: chip.environment });
    await vi.waitFor(() => expect(chip.requests).toHaveLength(2), { timeout: 30_000 });
    expect(chip.requests.toSorted()).toEqual(['14 debounce 500 lines 7', '8 debounce 0 lines 12 13 14']);
    const before = Date.now();
    chip.edge(7, process.hrtime.bigint() - 5_000_000_000n);
    await chip.untilOutputs(1);
    const { trigger, verdict, latencyMs } = await node.verdictOf(1);
    expect({ type: trigger.type, verdict }).toEqual({ type: 'gpio', verdict: 'OK' });
    expect(latencyMs.total).toBeGreaterThan(5000);
    expect(Date.parse(trigger.at)).toBeLessThan(before - 4000);
    expect(chip.outputs).toContain(4);
    expect(chip.outputs.at(-1)).toBe(1);
    const changes = chip.outputs.length;
    node.daemon!.process.kill('SIGKILL');
    await chip.untilOutputs(0, changes);
    expect(chip.outputs.slice(changes)).toEqual([0]);
  });
});
