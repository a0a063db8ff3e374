import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Recipe, type RecipeInput, recipeSchema } from '../../src/domain/recipe.js';
import { canonicalJson, identityOf, sha256Of } from '../../src/inspect/identity.js';
import { judge } from '../../src/inspect/judge.js';
import type { Member } from '../../src/inspect/member.js';
import type { Scene } from '../../src/inspect/scene.js';

type CheckInput = RecipeInput['checks'][number];

function recipe(check: CheckInput | readonly CheckInput[], rest: Partial<RecipeInput> = {}): Recipe {
  const checks = (Array.isArray(check) ? check : [check]) as CheckInput[];
  return recipeSchema.parse({ recipe: 'r', objects: { part: {}, bores: {} }, checks, ...rest });
}

function member(values: Member['values'] = {}, uncertainties: Member['uncertainties'] = {}, more: Partial<Member> = {}): Member {
  const place = [values.x ?? 0, values.y ?? 0] as const;
  return { index: 0, place, at: more.place ?? place, values, uncertainties, edgeScatter: 0.1, doubts: [], outlines: [], ...more };
}

function scene(sets: Record<string, Member[]>, more: Partial<Scene> = {}): Scene {
  return {
    sets: new Map([['part', []], ['bores', []], ...Object.entries(sets)]),
    pending: new Set(),
    datum: { origin: [0, 0], degrees: 0 },
    gaps: new Map(),
    coverages: new Map(),
    differences: new Map(),
    surfaces: new Map(),
    ...more,
  };
}

const length: CheckInput = { id: 'length', measure: 'length', of: 'part', target: 100, tol: 1 };
const lengthOf = (value: number, u = Number.NaN) => scene({ part: [member({ length: value }, { length: u })] });

describe('judge', () => {
  it('decides by ISO 14253-1: inside by U is OK, outside by U is NOK, between is UNSURE', () => {
    const guarded = recipe(length);
    const at = (value: number) => judge(guarded, lengthOf(value, 0.1)).checks[0];
    expect(at(100)).toMatchObject({ result: 'ok', value: 100, uncertainty: 0.1, lsl: 99, usl: 101, unit: 'px', target: 100 });
    expect(at(100.79)).toMatchObject({ result: 'ok' });
    expect(at(100.81)).toMatchObject({ result: 'unsure', code: 'WITHIN_UNCERTAINTY' });
    expect(at(101.19)).toMatchObject({ result: 'unsure' });
    expect(at(101.21)).toMatchObject({ result: 'nok', code: 'ABOVE' });
    expect(at(98.79)).toMatchObject({ result: 'nok', code: 'BELOW' });
  });

  it('decides by the value alone with the simple rule, and calls uncertain NOK with the strict one', () => {
    const simple = recipe(length, { decision: { rule: 'simple' } });
    expect(judge(simple, lengthOf(100.99, 0.1)).verdict).toBe('OK');
    expect(judge(simple, lengthOf(101.01, 0.1)).verdict).toBe('NOK');
    const strict = recipe(length, { decision: { rule: 'strict' } });
    expect(judge(strict, lengthOf(100.9, 0.1))).toMatchObject({ verdict: 'NOK', reasons: ['WITHIN_UNCERTAINTY'] });
  });

  it('never says OK more easily with a greater uncertainty, nor NOK (property)', () => {
    const rank = (value: number, u: number) => judge(recipe(length), lengthOf(value, u)).verdict;
    fc.assert(
      fc.property(
        fc.double({ min: 90, max: 110, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        fc.double({ min: 0, max: 5, noNaN: true }),
        (value, u, more) => {
          const [sure, vague] = [rank(value, u), rank(value, u + more)];
          expect(vague === sure || vague === 'UNSURE').toBe(true);
          expect(rank(value, 0)).toBe(value < 99 || value > 101 ? 'NOK' : 'OK');
        },
      ),
    );
  });

  it('is UNSURE and never OK when the object is not there, not alone, or not whole', () => {
    const check = recipe(length);
    expect(judge(check, scene({}))).toMatchObject({ verdict: 'UNSURE', reasons: ['NO_PART'] });
    expect(judge(check, scene({ part: [member(), member()] }))).toMatchObject({ verdict: 'UNSURE', reasons: ['AMBIGUOUS'] });
    const touching = member({ length: 100 }, { length: 0 }, { doubts: ['TOUCHES_FRAME'] });
    expect(judge(check, scene({ part: [touching] }))).toMatchObject({ verdict: 'UNSURE', reasons: ['TOUCHES_FRAME'] });
    const weak = member({ length: 100 }, { length: 0 }, { doubts: ['EDGE_WEAK'] });
    expect(judge(check, scene({ part: [weak] }))).toMatchObject({ verdict: 'UNSURE', reasons: ['EDGE_WEAK'] });
    expect(judge(recipe(length, { edge: 'mask' }), scene({ part: [weak] })).verdict).toBe('OK');
    expect(judge(check, lengthOf(Number.NaN))).toMatchObject({ verdict: 'UNSURE', reasons: ['UNDEFINED'] });
    expect(judge(recipe(length, { noPart: 'NOK' }), scene({}))).toMatchObject({ verdict: 'NOK', reasons: ['NO_PART'] });
  });

  it('needs as many objects as a set expects', () => {
    const expecting = recipe({ id: 'd', measure: 'diameter', of: 'bores', each: true, max: 7 }, { objects: { bores: { expect: 2 } } });
    const bore = member({ diameter: 6 });
    expect(judge(expecting, scene({ bores: [bore] }))).toMatchObject({ verdict: 'UNSURE', reasons: ['NO_PART'] });
    expect(judge(expecting, scene({ bores: [bore, bore] })).verdict).toBe('OK');
    expect(judge(expecting, scene({ bores: [bore, bore, bore] })).reasons).toEqual(['AMBIGUOUS']);
  });

  it('judges each member by the worst of them, and says which and of how many', () => {
    const each = recipe({ id: 'bore-d', measure: 'diameter', of: 'bores', each: true, target: 6, tol: 0.5, warn: 0.2 });
    const bores = [6, 6.4, 5.9].map((diameter, k) => member({ diameter, x: 10 * k, y: 5 }, { diameter: 0.01 }));
    expect(judge(each, scene({ bores })).checks[0]).toMatchObject({ result: 'ok', value: 6.4, warn: true, at: [10, 5], of: 3 });
    const broken = [...bores, member({ diameter: 6.7, x: 30, y: 5 }, { diameter: 0.01 })];
    expect(judge(each, scene({ bores: broken })).checks[0]).toMatchObject({ result: 'nok', code: 'ABOVE', value: 6.7, at: [30, 5], of: 4 });
  });

  it('counts, and knows what is present, absent, or still asked of the text model', () => {
    const one = member();
    const counts = recipe([
      { id: 'four', count: 'bores', min: 4, max: 4 },
      { id: 'there', present: 'part' },
      { id: 'none', absent: 'bores' },
    ]);
    const judged = judge(counts, scene({ bores: [one, one, one] }));
    expect(judged.verdict).toBe('NOK');
    expect(judged.checks).toMatchObject([
      { result: 'nok', code: 'COUNT', value: 3, lsl: 4, usl: 4 },
      { result: 'nok', code: 'ABSENT', value: 0 },
      { result: 'nok', code: 'PRESENT', value: 3 },
    ]);
    const open = judge(counts, scene({}, { pending: new Set(['bores', 'part']) }));
    expect(open).toMatchObject({ verdict: 'UNSURE', reasons: ['TEXT_PENDING'] });
  });

  it('measures places and angles in the datum frame, in the unit of the recipe', () => {
    const placed = recipe(
      [
        { id: 'place', measure: 'position', of: 'bores[0]', target: [1, 0.5], tol: 0.1 },
        { id: 'x', measure: 'x', of: 'bores[0]', target: 1, tol: 0.1 },
        { id: 'skew', measure: 'orientation', of: 'part', target: 90, tol: 3 },
        { id: 'pitch', measure: 'distance', between: ['bores[0]', 'bores[1]'], target: 2, tol: 0.2 },
      ],
      { unit: 'mm', decision: { rule: 'simple' } },
    );
    // The datum's x axis points down, so +y of the part is −x of the picture.
    const sets = {
      part: [member({ orientation: -1 })],
      bores: [member({ x: 90, y: 120 }), member({ x: 90, y: 160 })],
    };
    const judged = judge(placed, scene(sets, { datum: { origin: [100, 100], degrees: 90 } }), { scale: 0.05 });
    expect(judged.checks).toMatchObject([
      { result: 'ok', unit: 'mm' },
      { result: 'ok', value: 1 },
      { result: 'ok', value: 89, unit: '°' },
      { result: 'ok', value: 2 },
    ]);
    expect(judged.checks[0]!.value).toBeCloseTo(0, 9);
    expect(judge(placed, scene(sets, { datum: { origin: [102, 103], degrees: 90 } }), { scale: 0.05 }).checks[0]).toMatchObject({
      result: 'nok',
      code: 'OUT_OF_POSITION',
    });
    expect(judge(placed, scene(sets)).checks.map(({ code }) => code)).toEqual([
      'CALIBRATION_MISSING',
      'CALIBRATION_MISSING',
      'ABOVE',
      'CALIBRATION_MISSING',
    ]);
    expect(judge(placed, scene(sets, { datum: undefined }), { scale: 0.05 }).checks[0]).toMatchObject({
      result: 'unsure',
      code: 'UNDEFINED',
    });
  });
});

describe('a recipe', () => {
  it.each([
    [{ id: 'a', measure: 'length', of: 'part' }, /expected a limit/],
    [{ id: 'a', measure: 'length', target: 5, tol: 1 }, /expected the object whose length/],
    [{ id: 'a', measure: 'gap', of: 'part', min: 1 }, /expected two objects/],
    [{ id: 'a', measure: 'length', of: 'nothing', max: 1 }, /no object set "nothing"; expected one of part, bores/],
    [{ id: 'a', count: 'part', present: 'part' }, /expected one of count, present, absent or measure, got count and present/],
    [{ id: 'a', measure: 'length', of: 'part', min: 5, max: 4 }, /lower limit below/],
    [{ id: 'a', measure: 'length', of: 'part', min: 1, lsl: 1 }, /same limit/],
    [{ id: 'a', measure: 'position', of: 'part', target: 5, tol: 1 }, /expected \[x, y\]/],
    [{ id: 'a', measure: 'length', of: 'part', max: 1, extra: 1 }, /extra/],
  ])('refuses %j', (check, message) => {
    const parsed = recipeSchema.safeParse({ recipe: 'r', objects: { part: {}, bores: {} }, checks: [check] });
    expect(parsed.success).toBe(false);
    expect(parsed.error!.issues.map((issue) => `${issue.message} ${'keys' in issue ? issue.keys : ''}`).join()).toMatch(message);
  });

  it('refuses sets that lie in each other and checks with one id', () => {
    const objects = { a: { within: 'b' }, b: { within: 'a' } };
    const check = { id: 'x', count: 'a', min: 1 };
    const parsed = recipeSchema.safeParse({ recipe: 'r', objects, checks: [check, check] });
    expect(parsed.error!.issues.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['the sets lie in each other', '"x" is used twice']),
    );
  });

  it('has one hash, whatever the order of its keys and its defaults written out', () => {
    expect(canonicalJson({ b: [1, 1e21, 0.1], a: { z: null, ä: 'é\n' } })).toBe('{"a":{"z":null,"ä":"é\\n"},"b":[1,1e+21,0.1]}');
    const one = recipe({ id: 'n', count: 'part', min: 1 });
    const other = recipeSchema.parse({
      unit: 'px',
      checks: [{ min: 1, count: 'part', id: 'n' }],
      objects: { bores: {}, part: {} },
      recipe: 'r',
    });
    expect(identityOf(one, 3)).toEqual({ ...identityOf(other, 3), revision: 3 });
    expect(identityOf(one, 3).sha256).not.toBe(identityOf(recipe({ id: 'n', count: 'part', min: 2 }), 3).sha256);
    expect(sha256Of('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('judges the difference to a golden sample, and is unsure without one', () => {
    const check: CheckInput = { id: 'print', measure: 'difference', max: 0.5 };
    const mm = recipe([check], { unit: 'mm' });
    const at = (area: number) => scene({}, { differences: new Map([['print', { area, at: [7, 9] as const }]]) });
    const [small] = judge(mm, at(40), { scale: 0.1 }).checks;
    expect(small).toMatchObject({ result: 'ok', value: expect.closeTo(0.4), unit: 'mm²', at: [7, 9] });
    expect(judge(mm, at(60), { scale: 0.1 })).toMatchObject({ verdict: 'NOK', reasons: ['ABOVE'] });
    expect(judge(mm, scene({}), { scale: 0.1 })).toMatchObject({ verdict: 'UNSURE', reasons: ['TEACH_MISSING'] });
    expect(judge(mm, at(Number.NaN), { scale: 0.1 })).toMatchObject({ verdict: 'UNSURE', reasons: ['UNDEFINED'] });
  });

  it('judges how far a surface is from good ones, with its uncertainty, and is unsure where that is not known', () => {
    const check: CheckInput = { id: 'skin', measure: 'anomaly', max: 12 };
    const at = (score: number, more = {}, own: CheckInput = check) =>
      judge(recipe([own]), scene({}, { surfaces: new Map([['skin', { score, uncertainty: 0.5, at: [7, 9] as const, ...more }]]) }));
    expect(at(10).checks[0]).toEqual({ id: 'skin', measure: 'anomaly', value: 10, uncertainty: 0.5, usl: 12, result: 'ok', at: [7, 9] });
    expect(at(14)).toMatchObject({ verdict: 'NOK', reasons: ['ABOVE'] });
    expect(at(12.9)).toMatchObject({ verdict: 'UNSURE', reasons: ['WITHIN_UNCERTAINTY'] });
    expect(at(12.9, {}, { ...check, uncertainty: 0.1 })).toMatchObject({ verdict: 'NOK' });
    expect(at(Number.NaN, { refused: 'too large' }).checks[0]).toMatchObject({ result: 'unsure', code: 'UNDEFINED', message: 'too large' });
    const untaught = judge(recipe([check]), scene({})).checks[0]!;
    expect(untaught).toMatchObject({ result: 'unsure', code: 'TEACH_MISSING', message: expect.stringContaining('surfaces of good parts') });
  });

  it('says what to do where a check cannot be judged', () => {
    const two = scene({ part: [member({ length: 100 }), member({ length: 101 })] });
    const messageOf = (checks: CheckInput[], of: Scene, objects = {}) => judge(recipe(checks, objects), of).checks[0]!.message;
    expect(messageOf([length], two)).toBe(
      '"part" has 2 objects: name one (part[0] is the first from the left), judge all (each: true), or narrow the set (prompt, zone, minArea)',
    );
    expect(messageOf([length], scene({}))).toMatch(/^"part" has 0 objects, expected 1: /);
    expect(messageOf([{ ...length, of: 'part[5]' }], two)).toBe('"part" has 2 objects: there is no part[5]');
  });
});
