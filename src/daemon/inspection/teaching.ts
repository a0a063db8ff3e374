/** Lessons of running cameras: somebody shows good parts, one after the other, and the lesson measures them. Lives in memory alone. */
import type { Logger } from 'pino';
import { toTimestamp } from '../../contract/common.js';
import type { LessonData, RecipeIdentity, TeachData } from '../../contract/messages.js';
import type { Frame } from '../../domain/frame.js';
import type { Recipe } from '../../domain/recipe.js';
import type { FrameResult } from '../../domain/result.js';
import { FastsamError } from '../../errors.js';
import type { JudgeOptions } from '../../inspect/judge.js';
import {
  comparesWithGolden,
  type Learnt,
  Lesson,
  type Missing,
  measuring,
  type Shown,
  type TeachingNetwork,
} from '../../inspect/lesson.js';
import { LEAST_PARTS, USUAL_PARTS } from '../../inspect/limits.js';
import { surfaceChecks } from '../../inspect/surface.js';
import type { ResultSink } from '../../pipeline/sinks.js';

/** Beside what a camera needs to run. */
const MOST_PARTS = 500;
const MOST_VALUES = 1_000_000;
const MOST_BYTES = 2 ** 28;
/** Without a request. */
const IDLE_MS = 1_800_000;
const FRAME_MS = 5000;
const MESSAGE_CHARS = 300;

/** A network that the lesson stops. */
export type OpenTeachingNetwork = () => Promise<TeachingNetwork & { readonly network: { stop(): Promise<void> } }>;

export interface TeachingDeps {
  /** Results of the camera, from the next one on; returns how to end that. */
  readonly addSink: (camera: string, sink: ResultSink) => () => Promise<void>;
  /** The model in use, for lessons about surfaces. Errors: MODEL_UNSUPPORTED. */
  readonly openNetwork: OpenTeachingNetwork;
  /** A smaller model is in force. */
  readonly degraded: () => boolean;
  readonly streaming: (camera: string) => boolean;
  /** A lesson has begun, has got a part, or has ended (undefined). */
  readonly onLesson: (camera: string, lesson: LessonData | undefined) => void;
  readonly log: Logger;
}

/** What a lesson is about. */
export interface Subject {
  readonly camera: string;
  readonly recipe: Recipe;
  readonly identity: RecipeIdentity;
  /** Newest revision of the recipe when the lesson began. */
  readonly newest: number;
  readonly sigma: number;
  readonly judging: JudgeOptions;
}

interface Session {
  readonly subject: Subject;
  readonly lesson: Lesson;
  readonly since: string;
  readonly shutter: Shutter;
  readonly end: () => Promise<void>;
  /** Ends the lesson when nothing comes. */
  idle: NodeJS.Timeout;
  /** A part is being measured, or the lesson learns. */
  isBusy: boolean;
}

export class Teaching {
  readonly #deps: TeachingDeps;
  readonly #sessions = new Map<string, Session>();
  /** Cameras whose lesson is being opened. */
  readonly #opening = new Set<string>();

  constructor(deps: TeachingDeps) {
    this.#deps = deps;
  }

  /** Errors: TEACH_RUNNING; REQUEST_INVALID for a recipe without measures; those of the network. */
  async start(subject: Subject): Promise<TeachData> {
    const { camera, recipe, sigma, judging } = subject;
    const running = this.#sessions.get(camera);
    if (running || this.#opening.has(camera)) {
      const since = running ? ` since ${running.since} (${running.lesson.parts} parts)` : '';
      throw new FastsamError('TEACH_RUNNING', `camera "${camera}" is being taught${since}; expected teach/commit or teach/abort first`);
    }
    if (measuring(recipe).length === 0) {
      throw new FastsamError('REQUEST_INVALID', `recipe "${recipe.recipe}" measures nothing; expected a check with "measure"`);
    }
    this.#opening.add(camera);
    try {
      const surfaces = surfaceChecks(recipe).length > 0 ? await this.#deps.openNetwork() : undefined;
      const lesson = new Lesson(recipe, { ...judging, sigma, surfaces, mostBytes: MOST_BYTES });
      const shutter = new Shutter(camera, this.#deps.streaming);
      const removeSink = this.#deps.addSink(camera, shutter);
      const end = async () => {
        await removeSink();
        lesson[Symbol.dispose]();
        await surfaces?.network.stop();
      };
      const idle = this.#endWhenIdle(camera);
      const session: Session = { subject, lesson, since: toTimestamp(Date.now()), shutter, end, idle, isBusy: false };
      this.#sessions.set(camera, session);
      return this.#tell(session, []);
    } finally {
      this.#opening.delete(camera);
    }
  }

  /** Measures the good parts in the next frame. Errors: TEACH_NOT_RUNNING, TEACH_RUNNING, TEACH_NO_PART, TAUGHT_STALE, SOURCE_TIMEOUT, SOURCE_LOST. */
  async add(camera: string): Promise<TeachData> {
    return this.#alone(camera, async (session) => {
      const { lesson, subject, shutter } = session;
      if (lesson.parts >= MOST_PARTS || lesson.values >= MOST_VALUES) {
        throw new FastsamError('TEACH_RUNNING', `${lesson.parts} parts are as many as a lesson holds; expected teach/commit`);
      }
      if (this.#deps.degraded()) {
        const message = 'the node runs its small model now, whose values are others; try again once it is back to its own';
        throw new FastsamError('TAUGHT_STALE', message);
      }
      const shown = await shutter.next((frame, result) => lesson.add(frame, result));
      if (shown.measured === 0) throw noPart(subject, shown);
      if (this.#sessions.get(camera) !== session) throw notRunning(camera);
      return this.#tell(session, shown.missing);
    });
  }

  /** Hands over what was learnt, and ends the lesson once `keep` has it. Errors: TEACH_NOT_RUNNING, TEACH_RUNNING, TEACH_INCOMPLETE; those of `keep`. */
  async commit<T>(camera: string, keep: (learnt: Learnt, subject: Subject, parts: number) => Promise<T>): Promise<T> {
    return this.#alone(camera, async (session) => {
      const { lesson, subject } = session;
      const [lacking] = lackingOf(session);
      if (lacking) throw new FastsamError('TEACH_INCOMPLETE', lacking.message);
      const learnt = await lesson.finish(() => undefined);
      if (learnt.limits.length === 0) throw new FastsamError('TEACH_INCOMPLETE', nothingMeasured(subject));
      const kept = await keep(learnt, subject, lesson.parts);
      await this.#end(camera);
      return kept;
    });
  }

  /** Errors: TEACH_NOT_RUNNING; TEACH_RUNNING while a part is being measured or the lesson is being committed. */
  async abort(camera: string): Promise<LessonData> {
    return this.#alone(camera, async (session) => {
      await this.#end(camera);
      return lessonOf(session);
    });
  }

  /** Ends the lesson of a camera that ends, and says what is lost with it. */
  async drop(camera: string, why: string): Promise<void> {
    const session = this.#sessions.get(camera);
    if (!session) return;
    const { lesson, subject } = session;
    this.#deps.log.warn(
      { camera, parts: lesson.parts },
      `camera ${camera}: the lesson of recipe ${subject.recipe.recipe} is lost, ${lesson.parts} good parts: ${why}`,
    );
    await this.#end(camera);
  }

  /** Ends all lessons. */
  async stop(): Promise<void> {
    await Promise.all([...this.#sessions.keys()].map((camera) => this.drop(camera, 'fastsamd ends')));
  }

  #sessionOf(camera: string): Session {
    const session = this.#sessions.get(camera);
    if (session) return session;
    throw notRunning(camera);
  }

  /** One thing at a time: two parts in one frame, or a part while the lesson learns, would be counted wrongly. */
  async #alone<T>(camera: string, act: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#sessionOf(camera);
    if (session.isBusy) throw new FastsamError('TEACH_RUNNING', `camera "${camera}": the request before this one is still under way`);
    session.isBusy = true;
    clearTimeout(session.idle);
    try {
      return await act(session);
    } finally {
      session.isBusy = false;
      if (this.#sessions.get(camera) === session) session.idle = this.#endWhenIdle(camera);
    }
  }

  async #end(camera: string): Promise<void> {
    const session = this.#sessions.get(camera);
    if (!session) return;
    this.#sessions.delete(camera);
    clearTimeout(session.idle);
    this.#deps.onLesson(camera, undefined);
    await session.end();
  }

  #endWhenIdle(camera: string): NodeJS.Timeout {
    return setTimeout(() => void this.drop(camera, 'nothing was asked for half an hour'), IDLE_MS).unref();
  }

  #tell(session: Session, unmeasured: readonly Missing[]): TeachData {
    const lesson = lessonOf(session);
    this.#deps.onLesson(session.subject.camera, lesson);
    const lacking = lackingOf(session);
    const { limits, kept } = session.lesson.propose();
    const wish = `${lesson.parts} good parts; ${USUAL_PARTS} and more say better how much good parts differ`;
    const missing = [
      ...lacking,
      ...(lacking.length === 0 && lesson.parts < USUAL_PARTS ? [{ message: wish }] : []),
      ...kept.map(({ check, reason }) => ({ check, message: `keeps its limits: ${reason}` })),
      ...unmeasured.map(({ check, code }) => ({ check, code, message: 'not measured in this frame' })),
    ];
    return {
      ...lesson,
      complete: lacking.length === 0,
      limits: [...limits],
      missing: missing.map(({ message, ...each }) => ({ ...each, message: message.slice(0, MESSAGE_CHARS) })),
    };
  }
}

/** The next frame that is captured after somebody asked, measured while the camera holds it. */
class Shutter implements ResultSink {
  readonly #camera: string;
  readonly #streaming: (camera: string) => boolean;
  #waiting:
    | {
        readonly atNs: bigint;
        readonly take: (frame: Frame, result: FrameResult) => Promise<void>;
        readonly fail: (error: FastsamError) => void;
      }
    | undefined;
  #measuring: Promise<void> | undefined;

  constructor(camera: string, streaming: (camera: string) => boolean) {
    this.#camera = camera;
    this.#streaming = streaming;
  }

  /** One at a time. Errors: SOURCE_TIMEOUT, SOURCE_LOST, TEACH_NOT_RUNNING when the lesson ends meanwhile; those of `measure`. */
  next<T>(measure: (frame: Frame, result: FrameResult) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        const code = this.#streaming(this.#camera) ? 'SOURCE_TIMEOUT' : 'SOURCE_LOST';
        reject(new FastsamError(code, `camera "${this.#camera}" gave no frame within ${FRAME_MS / 1000} s`));
      }, FRAME_MS);
      this.#waiting = {
        atNs: process.hrtime.bigint(),
        take: (frame, result) => {
          clearTimeout(timer);
          return measure(frame, result).then(resolve, reject);
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  async take(result: FrameResult, frame: Frame): Promise<void> {
    const waiting = this.#waiting;
    if (!waiting || result.captured.monotonicNs < waiting.atNs) return;
    this.#waiting = undefined;
    this.#measuring = waiting.take(frame, result);
    await this.#measuring;
  }

  /** Waits for a part that is being measured. */
  async close(): Promise<void> {
    this.#waiting?.fail(notRunning(this.#camera));
    this.#waiting = undefined;
    await this.#measuring;
  }
}

function notRunning(camera: string): FastsamError {
  const ends = 'a lesson ends with teach/commit, teach/abort, half an hour without a request, and with the daemon';
  return new FastsamError('TEACH_NOT_RUNNING', `camera "${camera}" is not being taught; expected teach/start first (${ends})`);
}

function lessonOf({ subject, lesson, since }: Session): LessonData {
  return { recipe: subject.identity, parts: lesson.parts, since };
}

/** What keeps the lesson from being committed. */
function lackingOf({ subject: { recipe }, lesson }: Session): { check?: string; message: string }[] {
  if (lesson.parts < LEAST_PARTS)
    return [{ message: `${lesson.parts} good parts; expected at least ${LEAST_PARTS}, better ${USUAL_PARTS}` }];
  if (comparesWithGolden(recipe) && !lesson.hasGolden) return [{ message: 'no part had all objects that the recipe compares' }];
  const surfaces = surfaceChecks(recipe);
  const few = surfaces.filter(({ id }) => lesson.surfacesOf(id) < LEAST_PARTS);
  if (few.length > 0) {
    return few.map(({ id }) => ({
      check: id,
      message: `"${id}" has learnt from ${lesson.surfacesOf(id)} surfaces; expected at least ${LEAST_PARTS}`,
    }));
  }
  return surfaces.length > 0 || lesson.propose().limits.length > 0 ? [] : [{ message: 'no check was measured in enough parts' }];
}

function nothingMeasured({ recipe }: Subject): string {
  return `recipe "${recipe.recipe}": no check was measured in enough parts`;
}

function noPart({ recipe: { recipe, trigger } }: Subject, { missing }: Shown): FastsamError {
  const [first] = missing;
  const why = first
    ? `${first.check}: ${first.code}`
    : trigger.type === 'crossing'
      ? `no whole object of "${trigger.of}" that was not taught yet`
      : 'nothing to measure';
  return new FastsamError('TEACH_NO_PART', `recipe "${recipe}" finds no part in this frame (${why}); show a part and ask again`);
}
