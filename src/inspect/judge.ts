/** From a scene to a verdict. Pure: the same recipe and scene give the same verdict. */

import type { CheckResult, InspectionCode, Verdict } from '../contract/inspection.js';
import type { Point } from '../domain/box.js';
import { DIMENSION, type Measure } from '../domain/measure.js';
import { type Check, limitsOf, type Recipe } from '../domain/recipe.js';
import { ANYWHERE, areaWithCalibration, type Calibration, nominalScale, withCalibration } from '../measure/calibration.js';
import { deltaE00 } from '../measure/colour.js';
import { placeInDatum, positionError } from '../measure/relations.js';
import { type Member, referred } from './member.js';
import type { Scene } from './scene.js';

export interface Judgement {
  readonly verdict: Verdict;
  /** Each once, in the order of the checks. */
  readonly reasons: readonly InspectionCode[];
  readonly checks: readonly CheckResult[];
}

export interface JudgeOptions {
  /** Millimetres per pixel; lengths of a recipe in mm cannot be judged without it or a calibration. */
  readonly scale?: number | undefined;
  /** On which the scene was measured. */
  readonly calibration?: Calibration | undefined;
}

/** Of a recipe's unit by what the scene is measured in. */
interface Unit {
  readonly factor: number;
  readonly calibration: Calibration | undefined;
}

/** A value in the unit of the check. */
interface Reading {
  readonly value: number;
  /** NaN: not known. */
  readonly uncertainty: number;
  /** Where in the picture. */
  readonly at?: Point | undefined;
}

/** Why a check cannot be judged, and what to do about it. */
interface Obstacle {
  readonly code: InspectionCode;
  readonly message: string;
}

type Outcome = Pick<CheckResult, 'result' | 'code'>;

/** Edges say nothing about these. */
const WITHOUT_EDGE: ReadonlySet<string> = new Set(['holes', 'touchesFrame', 'deltaE00', 'coverage', 'difference', 'anomaly']);
const NARROWER = 'narrow the set (prompt, zone, minArea)';
const SEVERITY = { ok: 0, unsure: 1, nok: 2 } as const;

export function judge(recipe: Recipe, scene: Scene, options: JudgeOptions = {}): Judgement {
  return totalOf(recipe.checks.map((check) => judgeCheck(check, recipe, scene, options)));
}

/** Any check nok: NOK; else any unsure: UNSURE; else OK. `checks`: at least one. */
export function totalOf(checks: readonly CheckResult[]): Judgement {
  const reasons = [...new Set(checks.flatMap(({ code }) => code ?? []))];
  const verdict = checks.some(({ result }) => result === 'nok')
    ? 'NOK'
    : checks.some(({ result }) => result === 'unsure')
      ? 'UNSURE'
      : 'OK';
  return { verdict, reasons, checks };
}

function judgeCheck(check: Check, recipe: Recipe, scene: Scene, options: JudgeOptions): CheckResult {
  const limits = limitsOf(check);
  const counted = check.count ?? check.present ?? check.absent;
  if (counted !== undefined) return judgeCount(check, counted, limits, scene);

  const measure = check.measure!;
  const head = {
    id: check.id,
    measure,
    ...unitOf(measure, recipe),
    ...limits,
    ...(typeof check.target === 'number' ? { target: check.target } : {}),
  };
  const failed = ({ code, message }: Obstacle): CheckResult => {
    const isNok = recipe.decision.rule === 'strict' || (code === 'NO_PART' && recipe.noPart === 'NOK');
    return { ...head, value: null, uncertainty: null, result: isNok ? 'nok' : 'unsure', code, message };
  };
  const names = check.between ?? (check.of === undefined ? [] : [check.of]);
  if (isUntaught(check, scene)) {
    const wanted = measure === 'anomaly' ? 'the surfaces of good parts' : 'a golden sample';
    return failed({ code: 'TEACH_MISSING', message: `expected ${wanted} for this check: "fastsamd teach" writes a file with it` });
  }
  for (const name of names) {
    const missing = missingFrom(name, check.each, recipe, scene);
    if (missing) return failed(missing);
  }
  const unit = unitFor(recipe, measure, options);
  if (!unit) {
    const message = 'unit: mm needs a scale, or a calibration made with pictures of this size; "fastsamd calibrate" writes one';
    return failed({ code: 'CALIBRATION_MISSING', message });
  }

  const refused = measure === 'anomaly' ? scene.surfaces.get(check.id)!.refused : undefined;
  if (refused !== undefined) return failed({ code: 'UNDEFINED', message: refused });

  const members = membersOf(check, scene);
  const readings = readingsIn(check, members, scene, unit);
  let worst: { readonly reading: Reading; readonly judged: Outcome; readonly margin: number } | undefined;
  for (const [k, reading] of readings.entries()) {
    const about = check.between ? members : members.slice(k, k + 1);
    const judged = judgeReading(check, reading, limits, about, recipe);
    const margin = marginOf(reading.value, limits);
    const isWorse =
      !worst ||
      SEVERITY[judged.result] > SEVERITY[worst.judged.result] ||
      (SEVERITY[judged.result] === SEVERITY[worst.judged.result] && margin < worst.margin);
    if (isWorse) worst = { reading, judged, margin };
  }
  const { reading, judged, margin } = worst!;
  return {
    ...head,
    value: Number.isFinite(reading.value) ? reading.value : null,
    uncertainty: Number.isFinite(reading.uncertainty) ? reading.uncertainty : null,
    ...judged,
    ...(judged.result === 'ok' && check.warn !== undefined && margin < check.warn ? { warn: true as const } : {}),
    ...(reading.at ? { at: [round(reading.at[0]), round(reading.at[1])] as [number, number] } : {}),
    ...(check.each ? { of: readings.length } : {}),
  };
}

/** The objects that a check measures; all of them have to be there. */
function membersOf({ each, of, between }: Check, { sets }: Scene): readonly Member[] {
  if (each) return sets.get(of!)!;
  return (between ?? (of === undefined ? [] : [of])).map((name) => referred(name, sets)!);
}

function readingsIn(check: Check, members: readonly Member[], scene: Scene, unit: Unit): Reading[] {
  if (check.measure === 'difference') {
    const { area, at } = scene.differences.get(check.id)!;
    return [{ value: unit.factor ** 2 * area, uncertainty: check.uncertainty ?? Number.NaN, at }];
  }
  if (check.measure === 'anomaly') {
    const { score, uncertainty, at } = scene.surfaces.get(check.id)!;
    return [{ value: score, uncertainty: check.uncertainty ?? uncertainty, at }];
  }
  if (check.between) return [between(check, members, scene, unit)];
  return members.map((member, k) => readingOf(check, member, k, scene, unit));
}

/**
 * What a check that measures reads in this scene, in the unit of the check: one value for each member that it judges. Empty where it
 * cannot be measured. For limits that are taught; `judge` decides by the same readings.
 */
export function readingsOf(
  check: Check,
  recipe: Recipe,
  scene: Scene,
  options: JudgeOptions = {},
): readonly { readonly value: number; readonly uncertainty: number }[] {
  if (check.measure === undefined || isUntaught(check, scene)) return [];
  const names = check.between ?? (check.of === undefined ? [] : [check.of]);
  if (names.some((name) => missingFrom(name, check.each, recipe, scene) !== undefined)) return [];
  const unit = unitFor(recipe, check.measure, options);
  return unit ? readingsIn(check, membersOf(check, scene), scene, unit).filter(({ value }) => Number.isFinite(value)) : [];
}

/** Whether the check compares with good parts, and there are none. */
function isUntaught({ id, measure }: Check, { differences, surfaces }: Scene): boolean {
  return (measure === 'difference' && !differences.has(id)) || (measure === 'anomaly' && !surfaces.has(id));
}

/** Undefined where lengths in millimetres need a scale and there is none. */
function unitFor(recipe: Recipe, measure: NonNullable<Check['measure']>, { scale, calibration }: JudgeOptions): Unit | undefined {
  if (recipe.unit === 'px') return { factor: 1, calibration };
  const millimetres = calibration ? nominalScale(calibration) : scale;
  if (millimetres === undefined && dimensionOf(measure) > 0) return undefined;
  return { factor: millimetres ?? 1, calibration };
}

function judgeCount(check: Check, set: string, limits: { lsl?: number; usl?: number }, { sets, pending }: Scene): CheckResult {
  const value = sets.get(set)!.length;
  const [first] = sets.get(set)!;
  const result = { id: check.id, measure: 'count', value, uncertainty: 0, ...limits };
  const tooFew = limits.lsl !== undefined && value < limits.lsl;
  const tooMany = limits.usl !== undefined && value > limits.usl;
  // More may still be found: only "too many" is certain.
  if (pending.has(set) && !tooMany && (tooFew || limits.usl !== undefined)) return { ...result, result: 'unsure', code: 'TEXT_PENDING' };
  if (!tooFew && !tooMany) return { ...result, result: 'ok' };
  const code = check.count !== undefined ? 'COUNT' : check.present !== undefined ? 'ABSENT' : 'PRESENT';
  const at = first && tooMany ? { at: [round(first.at[0]), round(first.at[1])] as [number, number] } : {};
  return { ...result, result: 'nok', code, ...at };
}

/** Why what the name refers to cannot be measured; undefined when it can. */
function missingFrom(name: string, each: boolean, recipe: Recipe, { sets, pending }: Scene): Obstacle | undefined {
  const set = name.replace(/\[\d+\]$/, '');
  const members = sets.get(set)!;
  const { expect } = recipe.objects[set]!;
  const least = expect ?? 1;
  const found = `"${set}" has ${members.length} object${members.length === 1 ? '' : 's'}`;
  if (members.length < least) {
    if (pending.has(set)) return { code: 'TEXT_PENDING', message: 'a text prompt has not been answered yet; the next part will be judged' };
    return { code: 'NO_PART', message: `${found}, expected ${least}: is the part in the picture, and does the model find it?` };
  }
  if (expect !== undefined && members.length > expect) {
    return { code: 'AMBIGUOUS', message: `${found}, expected ${expect}: ${NARROWER}, or raise "expect"` };
  }
  if (each) return undefined;
  if (referred(name, sets)) return undefined;
  if (name !== set) return { code: 'NO_PART', message: `${found}: there is no ${name}` };
  return {
    code: 'AMBIGUOUS',
    message: `${found}: name one (${set}[0] is the first from the left), judge all (each: true), or ${NARROWER}`,
  };
}

function readingOf(check: Check, member: Member, k: number, scene: Scene, { factor, calibration }: Unit): Reading {
  const own = check.uncertainty;
  // `span`: how far apart the places are of which the calibration says how well they are known.
  const reading = (value: number, uncertainty: number, span = 0): Reading => ({
    value,
    uncertainty: withCalibration(own ?? uncertainty, calibration, span),
    at: member.at,
  });
  const { datum } = scene;
  const measure = check.measure!;
  switch (measure) {
    case 'deltaE00':
      return reading(member.lab ? deltaE00(member.lab, check.reference!) : Number.NaN, Number.NaN);
    case 'coverage':
      return reading(scene.coverages.get(check.id)?.[k] ?? Number.NaN, Number.NaN);
    case 'position': {
      const [x, y] = check.target as [number, number];
      const place = Math.hypot(member.uncertainties.x ?? Number.NaN, member.uncertainties.y ?? Number.NaN) / Math.SQRT2;
      return reading(datum ? factor * positionError(member.place, [x / factor, y / factor], datum) : Number.NaN, factor * place, ANYWHERE);
    }
    case 'x':
    case 'y': {
      const value = datum ? placeInDatum(member.place, datum)[measure === 'x' ? 0 : 1] : Number.NaN;
      return reading(factor * value, factor * (member.uncertainties[measure] ?? Number.NaN), ANYWHERE);
    }
    case 'orientation':
    case 'ellipseAngle': {
      const value = (member.values[measure] ?? Number.NaN) - (datum?.degrees ?? Number.NaN);
      const target = typeof check.target === 'number' ? check.target : 0;
      return reading(target + halfTurn(value - target), member.uncertainties[measure] ?? Number.NaN);
    }
    default: {
      const power = DIMENSION[measure as Measure];
      const by = factor ** power;
      const value = by * (member.values[measure as Measure] ?? Number.NaN);
      const uncertainty = by * (member.uncertainties[measure as Measure] ?? Number.NaN);
      if (power < 2) return reading(value, uncertainty, power === 1 ? value : 0);
      return { ...reading(value, uncertainty), uncertainty: areaWithCalibration(own ?? uncertainty, calibration, value) };
    }
  }
}

function between(check: Check, [a, b]: readonly Member[], scene: Scene, { factor, calibration }: Unit): Reading {
  const own = check.uncertainty;
  if (check.measure === 'gap') {
    const value = factor * (scene.gaps.get(check.id) ?? Number.NaN);
    const uncertainty = own ?? factor * Math.hypot(a!.edgeScatter, b!.edgeScatter);
    return { value, uncertainty: withCalibration(uncertainty, calibration, value), at: a!.at };
  }
  const spread = [a!, b!].flatMap(({ uncertainties: { x = Number.NaN, y = Number.NaN } }) => [x, y]);
  const value = factor * Math.hypot(a!.place[0] - b!.place[0], a!.place[1] - b!.place[1]);
  const uncertainty = own ?? (factor * Math.hypot(...spread)) / Math.SQRT2;
  return { value, uncertainty: withCalibration(uncertainty, calibration, value), at: a!.at };
}

function judgeReading(
  { measure }: Check,
  { value, uncertainty }: Reading,
  limits: { readonly lsl?: number; readonly usl?: number },
  about: readonly Member[],
  { decision, edge }: Recipe,
): Outcome {
  const unsure = (code: InspectionCode): Outcome => ({ result: decision.rule === 'strict' ? 'nok' : 'unsure', code });
  if (!WITHOUT_EDGE.has(measure!)) {
    for (const { doubts } of about) {
      const doubt = doubts.find((each) => each === 'TOUCHES_FRAME' || edge === 'refined');
      if (doubt) return unsure(doubt);
    }
  }
  if (Number.isNaN(value)) return unsure('UNDEFINED');
  const guard = decision.rule === 'simple' || Number.isNaN(uncertainty) ? 0 : decision.coverage * uncertainty;
  const { lsl = Number.NEGATIVE_INFINITY, usl = Number.POSITIVE_INFINITY } = limits;
  if (value < lsl && lsl - value >= guard) return { result: 'nok', code: measure === 'position' ? 'OUT_OF_POSITION' : 'BELOW' };
  if (value > usl && value - usl >= guard) return { result: 'nok', code: measure === 'position' ? 'OUT_OF_POSITION' : 'ABOVE' };
  if (value - lsl < guard || usl - value < guard) return unsure('WITHIN_UNCERTAINTY');
  return { result: 'ok' };
}

/** Distance to the nearest limit; negative outside. */
function marginOf(
  value: number,
  { lsl = Number.NEGATIVE_INFINITY, usl = Number.POSITIVE_INFINITY }: { lsl?: number; usl?: number },
): number {
  return Math.min(value - lsl, usl - value);
}

function dimensionOf(measure: NonNullable<Check['measure']>): 0 | 1 | 2 {
  if (measure === 'difference') return 2;
  if (measure === 'distance' || measure === 'gap' || measure === 'position') return 1;
  return measure === 'deltaE00' || measure === 'coverage' || measure === 'anomaly' ? 0 : DIMENSION[measure];
}

function unitOf(measure: NonNullable<Check['measure']>, { unit }: Recipe): { unit?: string } {
  if (measure === 'orientation' || measure === 'ellipseAngle') return { unit: '°' };
  const power = dimensionOf(measure);
  return power === 0 ? {} : { unit: power === 1 ? unit : `${unit}²` };
}

/** Degrees in (−90, 90]. */
function halfTurn(degrees: number): number {
  const turned = ((degrees % 180) + 180) % 180;
  return turned > 90 ? turned - 180 : turned;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
