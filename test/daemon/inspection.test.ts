/** A daemon that inspects, asked through a real broker; killed and started again. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { type EventMessage, eventMessageSchema, type InspectionMessage, inspectionMessageSchema } from '../../src/contract/messages.js';
import { fastsamd } from '../helpers/command.js';
import { BASE, EVENT, INSPECTION, InspectingNode, recipe, type VerdictEvent } from '../helpers/inspecting-node.js';
import { hasMosquitto } from '../helpers/mosquitto.js';

describe.skipIf(!hasMosquitto)('a node that inspects (needs mosquitto)', { timeout: 120_000 }, () => {
  const node = InspectingNode.forTests();

  it('answers a trigger with its verdict, once for each name, and records and publishes it', async () => {
    const ready = inspectionMessageSchema.parse(await node.run(recipe()));
    expect(ready).toMatchObject({ recipe: { id: 'three', revision: 1 }, trigger: 'mqtt', counts: { triggers: 0 }, last: null });
    const trigger = { camera: 'belt', trigger: 't-981', part: 'SN-0042', meas: 'm-17' };
    const answer = await node.ask('inspect/trigger', { ...trigger, wait: true });
    expect(answer).toMatchObject({
      status: 'ok',
      data: {
        inspection: 1,
        verdict: { verdict: 'OK', part: 'SN-0042', meas: 'm-17', product: '4711-B', recorded: true, recipe: ready.recipe },
      },
    });
    const event = eventMessageSchema.parse(await node.verdictOf(1)) as VerdictEvent;
    expect(event).toMatchObject({
      verdict: 'OK',
      trigger: { id: 't-981', type: 'mqtt' },
      checks: [{ id: 'some', measure: 'count', result: 'ok' }],
    });
    expect(event.frame!.capturedAt >= event.trigger.at).toBe(true);
    expect((await node.ask('inspect/trigger', trigger)).data).toMatchObject({ inspection: 1, verdict: { part: 'SN-0042' } });
    const second = await node.ask('inspect/trigger', { id: 'request-7', camera: 'belt' });
    expect(second.data).toEqual({ inspection: 2 });
    expect(await node.verdictOf(2)).toMatchObject({ trigger: { id: 'request-7' } });
    expect((await node.ask('read/verdicts', { camera: 'belt' })).data).toMatchObject([
      { inspection: 2 },
      { inspection: 1, camera: 'belt' },
    ]);
    expect((await node.ask('read/statistics', { camera: 'belt' })).data).toMatchObject([{ id: 'some', n: 2, lsl: 1 }]);
    expect(await node.observer.untilJson<InspectionMessage>(INSPECTION, ({ counts }) => counts.ok === 2)).toMatchObject({
      counts: { triggers: 2, ok: 2, nok: 0, unsure: 0, missed: 0 },
      last: { inspection: 2, verdict: 'OK' },
    });
    const counted = await node.observer.untilJson<InspectionMessage>(INSPECTION, ({ statistics }) => statistics?.[0]?.n === 2);
    expect(counted).toMatchObject({ statistics: [{ id: 'some', lsl: 1, nelson: [] }] });
  });

  it('changes recipes as a transaction, and says who did', async () => {
    await node.run(recipe());
    const many = recipe({ checks: [{ id: 'some', count: 'parts', min: 1000 }] });
    expect(await node.ask('recipe/set', { camera: 'belt', recipe: many, ifRevision: 0, activate: true })).toMatchObject({
      code: 'REVISION_CONFLICT',
    });
    expect(await node.ask('recipe/set', { camera: 'belt', recipe: { ...many, cheks: [] }, activate: true })).toMatchObject({
      code: 'REQUEST_INVALID',
    });
    const set = await node.ask('recipe/set', { camera: 'belt', recipe: many, ifRevision: 1, activate: true });
    expect(set).toMatchObject({ status: 'ok', revision: 2, data: { id: 'three', revision: 2, active: true } });
    const changed = await node.observer.untilJson<EventMessage>(
      EVENT,
      (event) => event.type === 'recipe-changed' && event.recipe.revision === 2,
    );
    expect(changed).toMatchObject({ by: 'mqtt (admin)', change: 'set' });
    const judged = await node.ask('inspect/trigger', { camera: 'belt', wait: true });
    expect(judged.data).toMatchObject({ verdict: { verdict: 'NOK', reasons: ['COUNT'], recipe: { revision: 2 } } });
    expect(await node.ask('recipe/activate', { camera: 'belt', recipe: 'three', revision: 1 })).toMatchObject({ revision: 1 });
    expect((await node.ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({
      verdict: { verdict: 'OK', recipe: { revision: 1 } },
    });
    expect((await node.ask('recipe/get', { camera: 'belt' })).data).toMatchObject({
      revision: 1,
      active: true,
      recipe: { recipe: 'three' },
    });
    expect((await node.ask('recipe/list', { camera: 'belt' })).data).toMatchObject([{ revision: 2 }, { revision: 1 }]);
    expect(await node.ask('recipe/activate', { camera: 'belt', recipe: 'four' })).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('after SIGKILL decides what it had accepted, keeps the recipe, and goes on counting', async () => {
    await node.run(recipe());
    await node.ask('recipe/set', { camera: 'belt', recipe: recipe({ product: 'changed' }), activate: true });
    await node.ask('admin/camera-pause', { camera: 'belt' });
    await node.observer.untilJson<{ state: string }>(`${BASE}/cameras/belt/state`, ({ state }) => state === 'paused');
    expect((await node.ask('inspect/trigger', { camera: 'belt', trigger: 'first', part: 'SN-1' })).data).toEqual({ inspection: 1 });
    expect((await node.ask('inspect/trigger', { camera: 'belt', trigger: 'second' })).data).toEqual({ inspection: 2 });
    // Two may wait: the third is a verdict at once, and counted.
    expect((await node.ask('inspect/trigger', { camera: 'belt', trigger: 'third' })).data).toMatchObject({
      inspection: 3,
      verdict: { verdict: 'UNSURE', reasons: ['MISSED_TRIGGER'] },
    });
    expect(await node.observer.untilJson<InspectionMessage>(INSPECTION, ({ counts }) => counts.missed === 1)).toMatchObject({
      state: 'inspecting',
    });
    expect(await node.ask('inspect/cancel', { camera: 'belt', trigger: 'third' })).toMatchObject({ code: 'REQUEST_INVALID' });
    expect((await node.ask('inspect/trigger', { camera: 'belt', trigger: 'first' })).data).toEqual({ inspection: 1 });
    const from = node.observer.received.length;
    await node.end('SIGKILL');
    expect(await node.run(recipe(), from)).toMatchObject({ recipe: { revision: 2 } });
    expect(await node.verdictOf(1, from)).toMatchObject({ verdict: 'UNSURE', reasons: ['INTERRUPTED'], part: 'SN-1', frame: null });
    expect(await node.verdictOf(2, from)).toMatchObject({ reasons: ['INTERRUPTED'] });
    expect((await node.ask('inspect/trigger', { camera: 'belt', trigger: 'first' })).data).toMatchObject({
      inspection: 1,
      verdict: { reasons: ['INTERRUPTED'] },
    });
    expect((await node.ask('inspect/trigger', { camera: 'belt', wait: true })).data).toMatchObject({
      inspection: 4,
      verdict: { verdict: 'OK', product: 'changed' },
    });
  });

  it('keeps pictures of what is not OK, shows them, and finds one that was changed', async () => {
    await node.run(recipe({ checks: [{ id: 'many', count: 'parts', min: 1000 }] }), 0, {
      inspection: { evidence: {} },
      publish: { snapshots: true },
    });
    const { data } = await node.ask('inspect/trigger', { camera: 'belt', part: 'SN-7', wait: true });
    expect(data).toMatchObject({ inspection: 1, verdict: { verdict: 'NOK', evidence: expect.stringMatching(/-NOK-[0-9a-f]{8}$/) } });
    const config = ['--config', node.configFile];
    const out = join(node.directory, 'pictures');
    const show = () => fastsamd('verdicts', 'show', 'belt', '1', ...config, '--pictures', out);
    // The verdict does not wait for its pictures.
    await vi.waitFor(async () => expect(await show()).toMatchObject({ code: 0 }), { timeout: 60_000, interval: 200 });
    expect((await readdir(out)).sort()).toEqual(['belt-1-annotated.jpg', 'belt-1-original.jpg']);
    const original = await sharp(join(out, 'belt-1-original.jpg')).raw().toBuffer({ resolveWithObject: true });
    const annotated = await sharp(join(out, 'belt-1-annotated.jpg')).raw().toBuffer({ resolveWithObject: true });
    expect(original.info).toMatchObject({ width: 320, height: 320, channels: 3 });
    // The verdict is written into the upper left corner, in red.
    const corner = [...annotated.data.subarray(3 * (2 * 320 + 2)).subarray(0, 3)];
    expect(corner[0]! - Math.max(corner[1]!, corner[2]!)).toBeGreaterThan(80);

    const from = node.observer.received.length;
    const answer = await node.ask('read/evidence', { camera: 'belt', inspection: 1 });
    expect(answer.data).toMatchObject({ topic: `${BASE}/cameras/belt/evidence`, contentType: 'image/jpeg', width: 320, height: 320 });
    const { packet } = await node.observer.until(`${BASE}/cameras/belt/evidence`, () => true, from);
    expect(packet.payload).toEqual(await readFile(join(out, 'belt-1-annotated.jpg')));
    expect(await node.ask('read/evidence', { camera: 'belt', inspection: 9 })).toMatchObject({ code: 'REQUEST_INVALID' });

    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({
      code: 0,
      stdout: 'ok: 1 verdicts and 2 pictures, nothing removed or changed\n',
    });
    const folder = join(node.state, 'evidence', 'belt');
    const [name] = (await readdir(folder)).filter((each) => each.endsWith('.original.jpg'));
    await writeFile(join(folder, name!), await readFile(join(out, 'belt-1-annotated.jpg')));
    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({
      code: 1,
      stdout: 'NOT OK: the original picture of inspection 1 of belt was changed\n',
    });
    await rm(join(folder, name!));
    expect(await fastsamd('verdicts', 'verify', ...config)).toMatchObject({ code: 0, stdout: expect.stringContaining('1 pictures') });
  });

  it('judges every frame without a request, and refuses requests then', async () => {
    await node.run(recipe({ trigger: { type: 'frame' } }));
    expect(await node.verdictOf(3)).toMatchObject({ trigger: { type: 'frame' }, verdict: 'OK' });
    expect(await node.ask('inspect/trigger', { camera: 'belt' })).toMatchObject({ code: 'REQUEST_INVALID' });
    const numbers = node.observer.received
      .filter(({ topic }) => topic === EVENT)
      .map(({ text }) => JSON.parse(text) as EventMessage)
      .flatMap((event) => (event.type === 'verdict' ? [event.inspection] : []));
    expect(numbers).toEqual(numbers.map((_, k) => k + 1));
  });
});
