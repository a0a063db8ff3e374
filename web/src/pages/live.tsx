/** Cameras: all of them as tiles, or one large with its prompts and objects. */
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ViewAnswer } from '../../../src/contract/console.js';
import type { CameraStateMessage, InfoMessage, PromptsMessage } from '../../../src/contract/node.js';
import { ask, daemonNow, hello, hold, may, prompts as promptsOf, type Response, status, tell, topics, watch } from '../link/link.js';
import { type Draft, EMPTY, freeId, ordered, promptOf, type Tool } from '../ui/draft.js';
import { Icon, type IconName } from '../ui/icons.js';
import { colourOf, cssOf } from '../view/colours.js';
import { type Shown, Stage, type StageStyle, wantedRenderer } from '../view/stage.js';

const STALE_MS = 1000;
const OLD_MS = 3000;
const LIST_MS = 250;
const MAX_ROWS = 60;
const LONG_PRESS_MS = 450;
const MAX_UNDO = 10;
const STRIP = 40;

const TOOLS: readonly { readonly id: Tool; readonly name: string; readonly icon: IconName; readonly key: string }[] = [
  { id: 'look', name: 'Look', icon: 'look', key: 'v' },
  { id: 'point', name: 'Point', icon: 'point', key: 'p' },
  { id: 'box', name: 'Box', icon: 'box', key: 'b' },
  { id: 'text', name: 'Text', icon: 'text', key: 't' },
  { id: 'label', name: 'Label', icon: 'label', key: 'l' },
];

export function Live() {
  const cameras = hello.value?.cameras.map(({ id }) => id) ?? [];
  const chosen = useSignal<string | undefined>(location.hash.split('/')[1]);
  useEffect(() => {
    const follow = () => {
      chosen.value = location.hash.split('/')[1];
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    const pick = (event: KeyboardEvent) => {
      const camera = isTyping(event) ? undefined : cameras[Number(event.key) - 1];
      if (camera !== undefined) location.hash = `live/${camera}`;
    };
    addEventListener('keydown', pick);
    return () => removeEventListener('keydown', pick);
  }, [cameras.join()]);
  if (!hello.value) return <p class="empty">{status.value === 'offline' ? 'The daemon cannot be reached.' : 'Connecting …'}</p>;
  if (cameras.length === 0)
    return (
      <p class="empty">
        No camera yet. Add one below <code>cameras:</code> in the configuration, then reload it.
      </p>
    );
  const camera = chosen.value && cameras.includes(chosen.value) ? chosen.value : cameras.length === 1 ? cameras[0]! : undefined;
  if (camera === undefined) return <Grid cameras={cameras} />;
  return <Camera key={camera} camera={camera} cameras={cameras} />;
}

function Grid({ cameras }: { cameras: readonly string[] }) {
  return (
    <section class="grid" aria-label="Cameras">
      <h1 class="hidden">Cameras</h1>
      {cameras.map((camera) => (
        <Tile key={camera} camera={camera} />
      ))}
    </section>
  );
}

function Tile({ camera }: { camera: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const age = useSignal<number | undefined>(undefined);
  const count = useSignal(0);
  useEffect(() => {
    const stage = new Stage(canvas.current!, '2d');
    stage.onFrame = ({ objects }) => {
      count.value = objects.count;
    };
    let leave: (() => void) | undefined;
    const observer = new IntersectionObserver(([entry]) => {
      leave?.();
      leave = entry?.isIntersecting ? watch(camera, { level: 4, frame: (bytes, drawn) => stage.frame(bytes, drawn) }) : undefined;
    });
    observer.observe(canvas.current!);
    const timer = setInterval(() => {
      age.value = stage.shown && daemonNow() - stage.shown.capturedAtMs;
    }, 250);
    return () => {
      observer.disconnect();
      clearInterval(timer);
      leave?.();
      stage.close();
    };
  }, [camera]);
  const state = topics.value.get(`cameras/${camera}/state`) as CameraStateMessage | undefined;
  const isOld = status.value !== 'open' || (age.value ?? 0) > OLD_MS;
  return (
    <a class={`tile ${isOld ? 'old' : ''}`} href={`#live/${camera}`}>
      <canvas ref={canvas} role="img" aria-label={`Camera ${camera}, ${count.value} objects`} />
      <span class="caption">
        <strong>{camera}</strong>
        <span class={`state ${state?.state ?? ''}`}>{state?.state ?? 'waiting'}</span>
        <span class="space" />
        {isOld ? <span class="warn">{ageText(age.value)}</span> : <span>{count.value} objects</span>}
      </span>
    </a>
  );
}

interface Tried {
  readonly state: 'asking' | 'matched' | 'unmatched' | 'pending' | 'error';
  readonly text: string;
}

function Camera({ camera, cameras }: { camera: string; cameras: readonly string[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage>();
  const shown = useSignal<Shown | undefined>(undefined);
  const fps = useSignal(0);
  const age = useSignal<number | undefined>(undefined);
  const isFrozen = useSignal(false);
  const tool = useSignal<Tool>('look');
  const draft = useSignal<Draft | undefined>(undefined);
  const tried = useSignal<Tried | undefined>(undefined);
  const conflict = useSignal<{ readonly revision: number } | undefined>(undefined);
  const focused = useSignal(-1);
  const lasts = useSignal(false);
  const style = useSignal<StageStyle>({ opacity: 0.35, contours: true, least: 0, masks: 'all' });
  const isHelp = useSignal(false);
  const undone = useRef<PromptsMessage[]>([]);
  const strips = useRef(new Map<string, string[]>());
  const held = promptsOf(camera);
  const state = topics.value.get(`cameras/${camera}/state`) as CameraStateMessage | undefined;
  const info = topics.value.get('info') as InfoMessage | undefined;
  const can = may('operator');

  useEffect(() => {
    const view = new Stage(canvas.current!, wantedRenderer());
    stage.current = view;
    Object.assign(window, { fastsamStage: view });
    const times: number[] = [];
    let listedAt = 0;
    view.onFrame = (frame) => {
      const now = performance.now();
      times.push(now);
      while (times.length > 1 && now - times[0]! > 2000) times.shift();
      for (const { id, status: answer } of frame.meta.answers) {
        const strip = strips.current.get(id) ?? [];
        strip.push(answer);
        if (strip.length > STRIP) strip.shift();
        strips.current.set(id, strip);
      }
      // Lists follow four times a second: more cannot be read.
      if (now - listedAt < LIST_MS) return;
      listedAt = now;
      shown.value = frame;
      fps.value = times.length > 1 ? ((times.length - 1) * 1000) / (now - times[0]!) : 0;
    };
    const leave = watch(camera, { level: 'auto', frame: (bytes, drawn) => view.frame(bytes, drawn) });
    const timer = setInterval(() => {
      age.value = view.shown && daemonNow() - view.shown.capturedAtMs;
    }, 200);
    const fit = new ResizeObserver(() => {
      view.fit();
      view.redraw();
    });
    fit.observe(canvas.current!);
    return () => {
      leave();
      clearInterval(timer);
      fit.disconnect();
      view.close();
    };
  }, [camera]);

  useEffect(() => {
    const view = stage.current!;
    view.style = style.value;
    view.redraw();
  }, [style.value]);

  const freeze = (on: boolean) => {
    const view = stage.current!;
    if (on === view.isFrozen || (on && !view.shown)) return;
    view.isFrozen = on;
    isFrozen.value = on;
    if (on) {
      hold(camera, view.shown!.seq);
      shown.value = view.shown;
    }
  };

  const use = (next: Tool) => {
    tool.value = next;
    draft.value = next === 'look' ? undefined : { ...EMPTY, tool: next };
    tried.value = undefined;
    conflict.value = undefined;
    stage.current!.selected = new Set();
    stage.current!.redraw();
    // Nobody hits a part that moves with a finger.
    if (next !== 'look' && matchMedia('(pointer: coarse)').matches) freeze(true);
  };

  const cancel = () => {
    if (draft.value && (draft.value.points.length > 0 || draft.value.box || draft.value.text)) use(tool.value);
    else {
      use('look');
      freeze(false);
    }
  };

  const change = async (next: Draft) => {
    draft.value = next;
    const view = stage.current!;
    const frame = view.shown;
    const prompt = promptOf(next, 'draft');
    if (!frame || !prompt) {
      tried.value = undefined;
      return;
    }
    guess(view, next);
    tried.value = { state: 'asking', text: 'asking the daemon …' };
    const answer = await ask('prompt/try', { camera, seq: frame.seq, prompts: [prompt] });
    if (draft.value !== next) return;
    const outcome = outcomeOf(answer);
    tried.value = outcome.tried;
    if (view.shown?.seq === frame.seq || view.isFrozen) {
      view.selected = new Set(outcome.objects);
      view.redraw();
    }
  };

  const commit = async () => {
    const prompt = draft.value && promptOf(draft.value, freeId(draft.value.tool, held?.prompts.map(({ id }) => id) ?? []));
    if (!prompt || !held) return;
    const before = held;
    remember(before);
    const answer = await ask('prompt/add', {
      camera,
      prompts: [prompt],
      ifRevision: before.revision,
      ...(lasts.value ? { ttlS: 60 } : {}),
    });
    if (answer.status === 'error') forget(before);
    if (answer.code === 'REVISION_CONFLICT') {
      conflict.value = { revision: promptsOf(camera)?.revision ?? 0 };
      return;
    }
    if (answer.status === 'error') {
      tell(answer.error ?? 'refused', 'error');
      return;
    }
    tell(`${prompt.id} added (revision ${answer.revision})${lasts.value ? ', for 60 s' : ''}`);
    use('look');
    freeze(false);
  };

  // Before the answer: the prompt may show as matched first, and undo must know it then.
  const remember = (before: PromptsMessage) => {
    undone.current.push(before);
    if (undone.current.length > MAX_UNDO) undone.current.shift();
  };

  const forget = (before: PromptsMessage) => {
    undone.current = undone.current.filter((kept) => kept !== before);
  };

  const remove = async (id: string) => {
    if (!held) return;
    const before = held;
    remember(before);
    const answer = await ask('prompt/remove', { camera, ids: [id], ifRevision: before.revision });
    if (answer.status === 'error') forget(before);
    tell(answer.status === 'ok' ? `${id} removed` : (answer.error ?? 'refused'), answer.status === 'ok' ? 'info' : 'error');
  };

  const undo = async () => {
    const before = undone.current.pop();
    if (!before) {
      tell('nothing to undo');
      return;
    }
    const answer = await ask('prompt/set', { camera, prompts: before.prompts });
    tell(answer.status === 'ok' ? 'undone' : (answer.error ?? 'refused'), answer.status === 'ok' ? 'info' : 'error');
  };

  const focus = (index: number) => {
    const view = stage.current!;
    focused.value = index;
    view.selected = index < 0 ? new Set() : new Set([index]);
    view.redraw();
  };

  /** A point in the middle of what is shown of an object: where its mask is certain to be. */
  const take = (index: number, isObject = true) => {
    const view = stage.current!;
    const place = placeOf(view.shown, index);
    if (!place || !can) return;
    if (tool.value !== 'point') use('point');
    void change({ ...draft.value!, tool: 'point', points: [...draft.value!.points, [...place, isObject]] });
  };

  useKeys({
    ' ': () => freeze(!isFrozen.value),
    Escape: cancel,
    Enter: () => (draft.value && tried.value ? void commit() : focused.value >= 0 && take(focused.value)),
    z: () => void undo(),
    m: () => {
      style.value = { ...style.value, masks: style.value.masks === 'all' ? 'matched' : style.value.masks === 'matched' ? 'none' : 'all' };
    },
    '?': () => {
      isHelp.value = !isHelp.value;
    },
    '[': () => focus(step(stage.current!, focused.value, 'smaller')),
    ']': () => focus(step(stage.current!, focused.value, 'larger')),
    ...Object.fromEntries(TOOLS.map(({ id, key }) => [key, () => (id === 'look' || can) && use(id)])),
  });

  const isOld = status.value !== 'open' || (age.value ?? Number.POSITIVE_INFINITY) > OLD_MS;
  const isStale = !isOld && (age.value ?? 0) > STALE_MS;
  const isLate = !isFrozen.value && (isOld || isStale) && shown.value !== undefined;
  const answers = shown.value?.meta.answers ?? [];
  const summary = useComputed(() => `Camera ${camera}: ${shown.value?.objects.count ?? 0} objects`);

  return (
    <div class={`camera ${isFrozen.value ? 'frozen' : ''}`}>
      <h1 class="hidden">Camera {camera}</h1>
      <section class="viewer" aria-label="Picture">
        <div class="topline">
          {cameras.length > 1 ? (
            <a class="round" href="#live" aria-label="All cameras">
              <Icon name="grid" />
            </a>
          ) : null}
          <strong>{camera}</strong>
          <span class={`state ${state?.state ?? ''}`}>{state?.state ?? 'waiting'}</span>
          <span class="space" />
          <span class="figures">
            <span>{fps.value.toFixed(1)} fps</span>
            <span class={isOld ? 'bad' : isStale ? 'warn' : ''}>{ageText(age.value)}</span>
            <span class="wide">revision {shown.value?.promptRevision ?? held?.revision ?? '–'}</span>
          </span>
        </div>
        <div class={`stage ${isLate ? (isOld ? 'old' : 'stale') : ''}`} style={aspect(shown.value)}>
          <canvas
            ref={canvas}
            role="img"
            aria-label={summary.value}
            data-tool={tool.value}
            {...pointer({ stage, tool, draft, change: (next) => void change(next), focus, can })}
          />
          <Marks draft={draft.value} />
          <Tags stage={stage.current} shown={shown.value} answers={answers} focused={focused.value} />
          {shown.value === undefined ? <p class="waiting">{waitingText(state)}</p> : null}
          {isLate ? <p class="late">{status.value === 'open' ? `last picture ${ageText(age.value)}` : 'not connected'}</p> : null}
          {isFrozen.value ? <p class="ice">frozen · frame {stage.current?.shown?.seq}</p> : null}
          {stage.current?.shown && !stage.current.shown.picture ? <p class="withheld">pictures of this camera are withheld</p> : null}
        </div>
        <div class="toolbar" role="toolbar" aria-label="Tools">
          {TOOLS.map(({ id, name, icon, key }) => {
            const isUseful = id === 'look' || (can && (id !== 'text' || has(info, 'text')) && (id !== 'label' || has(info, 'label')));
            return isUseful ? (
              <button
                key={id}
                type="button"
                aria-pressed={tool.value === id}
                onClick={() => use(id)}
                title={`${name} (${key.toUpperCase()})`}
              >
                <Icon name={icon} />
                <span>{name}</span>
              </button>
            ) : null;
          })}
          <span class="divider" />
          <button type="button" aria-pressed={isFrozen.value} onClick={() => freeze(!isFrozen.value)} title="Freeze (Space)">
            <Icon name={isFrozen.value ? 'play' : 'freeze'} />
            <span>{isFrozen.value ? 'Go live' : 'Freeze'}</span>
          </button>
          {can ? (
            <button type="button" onClick={() => void undo()} title="Undo (Z)">
              <Icon name="undo" />
              <span>Undo</span>
            </button>
          ) : null}
          <button type="button" onClick={() => (isHelp.value = !isHelp.value)} title="Keys (?)" aria-expanded={isHelp.value}>
            <Icon name="help" />
            <span>Keys</span>
          </button>
        </div>
        {isHelp.value ? <Help /> : null}
      </section>
      <aside aria-label="Prompts and objects">
        {draft.value ? (
          <DraftPanel
            draft={draft.value}
            tried={tried.value}
            conflict={conflict.value}
            labels={shown.value?.meta.labels ?? []}
            lasts={lasts.value}
            onLasts={(on) => (lasts.value = on)}
            onChange={(next) => void change(next)}
            onCommit={() => void commit()}
            onAgain={() => {
              conflict.value = undefined;
              void commit();
            }}
            onCancel={cancel}
          />
        ) : null}
        <PromptList held={held} answers={answers} strips={strips.current} can={can} onRemove={(id) => void remove(id)} />
        <ObjectList
          shown={shown.value}
          style={style.value}
          focused={focused.value}
          onStyle={(next) => (style.value = { ...style.value, ...next })}
          onFocus={focus}
          onTake={take}
          can={can}
        />
      </aside>
    </div>
  );
}

function has(info: InfoMessage | undefined, type: string): boolean {
  return info?.capabilities.includes(`prompt:${type}`) ?? false;
}

function aspect(shown: Shown | undefined): string {
  const { width, height } = shown?.frame ?? { width: 16, height: 9 };
  return `--aspect: ${width} / ${height}; --ratio: ${width / height}`;
}

function ageText(ms: number | undefined): string {
  if (ms === undefined) return 'no picture yet';
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms old` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s old`;
}

function waitingText(state: CameraStateMessage | undefined): string {
  if (!state) return 'waiting for the camera; the model may still be loading';
  return state.reason ?? `the camera is ${state.state}`;
}

/** At once, from the map alone: what the daemon will probably answer. */
function guess(view: Stage, draft: Draft): void {
  const index =
    draft.tool === 'point'
      ? (view.hit(draft.points.at(-1)![0], draft.points.at(-1)![1], true)[0] ?? -1)
      : draft.tool === 'box' && draft.box
        ? view.guessBox(ordered(draft.box))
        : -1;
  if (index < 0) return;
  view.selected = new Set([index]);
  view.redraw();
  performance.mark('fastsam-guess');
}

function outcomeOf(answer: Response): { tried: Tried; objects: number[] } {
  if (answer.status === 'error') return { tried: { state: 'error', text: answer.error ?? 'refused' }, objects: [] };
  const { answers } = answer.data as {
    answers: { status: string; bestScore?: number; reason?: string; objects?: { id: number; score: number }[] }[];
  };
  const [first] = answers;
  const objects = first?.objects ?? [];
  performance.mark('fastsam-tried');
  if (first?.status === 'matched') {
    const best = Math.max(...objects.map(({ score }) => score));
    const many = objects.length === 1 ? `object ${objects[0]!.id}` : `${objects.length} objects`;
    return { tried: { state: 'matched', text: `${many} on this frame, score ${best.toFixed(2)}` }, objects: objects.map(({ id }) => id) };
  }
  if (first?.status === 'pending') return { tried: { state: 'pending', text: first.reason ?? 'not known yet' }, objects: [] };
  const best = first?.bestScore === undefined ? '' : `; best ${first.bestScore.toFixed(2)}`;
  return { tried: { state: 'unmatched', text: `no object here${best}` }, objects: [] };
}

/** The middle of the longest row of cells that shows the object; 0…1 of the frame. */
function placeOf(shown: Shown | undefined, index: number): [number, number] | undefined {
  if (!shown) return undefined;
  const { width, height, cells } = shown.map;
  let best: { x: number; y: number; length: number } | undefined;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; ) {
      let end = x;
      while (end < width && shown.regions[cells[y * width + end]!]![0] === index) end += 1;
      if (end - x > (best?.length ?? 0)) best = { x: (x + end) / 2, y: y + 0.5, length: end - x };
      x = end + 1;
    }
  }
  return best && [best.x / width, best.y / height];
}

/** The next object by area, among those that are shown. */
function step(view: Stage, from: number, to: 'smaller' | 'larger'): number {
  const areas = view.shown?.objects.areas;
  if (!areas) return -1;
  const order = [...areas.keys()].filter((index) => view.isShown(index)).sort((a, b) => areas[a]! - areas[b]!);
  const at = order.indexOf(from);
  return order[Math.min(Math.max(at + (to === 'larger' ? 1 : -1), 0), order.length - 1)] ?? -1;
}

function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && target.matches('input:not([type=range]):not([type=checkbox]), textarea, select');
}

function useKeys(keys: Record<string, () => unknown>): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event) && event.key !== 'Escape') return;
      const isButton = event.target instanceof HTMLElement && event.target.matches('button, a, summary, [role=listbox], input');
      if (isButton && (event.key === ' ' || event.key === 'Enter')) return;
      const act = current.current[event.key] ?? current.current[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

interface PointerDeps {
  readonly stage: { readonly current?: Stage | undefined };
  readonly tool: { readonly value: Tool };
  readonly draft: { readonly value: Draft | undefined };
  readonly change: (next: Draft) => void;
  readonly focus: (index: number) => void;
  readonly can: boolean;
}

function pointer({ stage, tool, draft, change, focus, can }: PointerDeps) {
  const placeOfEvent = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const hover = (index: number, event: Event) => {
    const view = stage.current;
    if (!view || view.hovered === index) return;
    view.hovered = index;
    view.redraw();
    performance.measure('fastsam-hover', { start: event.timeStamp, end: performance.now() });
  };
  return {
    onPointerMove: (event: PointerEvent) => {
      const [x, y] = placeOfEvent(event);
      const started = (event.currentTarget as HTMLElement).dataset.from?.split(' ').map(Number);
      if (started && tool.value === 'box' && draft.value) {
        change({ ...draft.value, box: [started[0]!, started[1]!, x, y] });
        return;
      }
      if (event.pointerType !== 'touch') hover(stage.current?.hit(x, y)[0] ?? -1, event);
    },
    onPointerLeave: (event: PointerEvent) => hover(-1, event),
    onPointerDown: (event: PointerEvent) => {
      const target = event.currentTarget as HTMLElement;
      const [x, y] = placeOfEvent(event);
      target.dataset.at = String(event.timeStamp);
      if (tool.value === 'box' && can) {
        target.setPointerCapture(event.pointerId);
        target.dataset.from = `${x} ${y}`;
      }
    },
    onPointerUp: (event: PointerEvent) => {
      const target = event.currentTarget as HTMLElement;
      const [x, y] = placeOfEvent(event);
      const isLong = event.timeStamp - Number(target.dataset.at ?? event.timeStamp) > LONG_PRESS_MS;
      delete target.dataset.from;
      performance.mark('fastsam-click');
      if (tool.value === 'point' && can && draft.value) {
        change({ ...draft.value, points: [...draft.value.points, [x, y, !(event.shiftKey || isLong)]] });
        return;
      }
      if (tool.value !== 'look') return;
      const hits = stage.current?.hit(x, y, event.pointerType === 'touch') ?? [];
      const chosen = [...(stage.current?.selected ?? [])][0];
      // Again: the next larger one of those that lie here.
      const next = chosen === undefined ? -1 : hits.indexOf(chosen);
      focus(hits[next + 1] ?? hits[0] ?? -1);
    },
    onContextMenu: (event: MouseEvent) => event.preventDefault(),
  };
}

function Marks({ draft }: { draft: Draft | undefined }) {
  if (!draft) return null;
  const box = draft.box && ordered(draft.box);
  const percent = (value: number) => `${100 * value}%`;
  return (
    <svg class="marks" aria-hidden="true">
      {box ? <rect x={percent(box[0])} y={percent(box[1])} width={percent(box[2] - box[0])} height={percent(box[3] - box[1])} /> : null}
      {draft.points.map(([x, y, isObject], k) => (
        <circle key={k} class={isObject ? 'object' : 'background'} cx={percent(x)} cy={percent(y)} r="7" />
      ))}
    </svg>
  );
}

/** Names beside the objects that answer a prompt, and beside the one that is chosen. */
function Tags({
  stage,
  shown,
  answers,
  focused,
}: {
  stage: Stage | undefined;
  shown: Shown | undefined;
  answers: readonly ViewAnswer[];
  focused: number;
}) {
  if (!shown || stage?.shown === undefined) return null;
  const { objects, frame } = shown;
  const tags: { index: number; text: string }[] = [];
  for (let index = 0; index < objects.count && tags.length < 24; index += 1) {
    const names = answers.filter(({ type }, k) => type !== 'everything' && k < 32 && ((objects.prompts[index]! >>> k) & 1) === 1);
    if (index === focused) tags.push({ index, text: `#${index} ${objects.scores[index]!.toFixed(2)}` });
    else if (names.length > 0) tags.push({ index, text: names.map(({ id }) => id).join(', ') });
  }
  return (
    <div class="tags" aria-hidden="true">
      {tags.map(({ index, text }) => (
        <span
          key={shown.ids[index]}
          style={`left:${(100 * objects.boxes[4 * index]!) / frame.width}%;top:${(100 * objects.boxes[4 * index + 1]!) / frame.height}%;--colour:${cssOf(colourOf(shown.ids[index]!))}`}
        >
          {text}
        </span>
      ))}
    </div>
  );
}

interface DraftPanelProps {
  readonly draft: Draft;
  readonly tried: Tried | undefined;
  readonly conflict: { readonly revision: number } | undefined;
  readonly labels: readonly string[];
  readonly lasts: boolean;
  readonly onLasts: (on: boolean) => void;
  readonly onChange: (next: Draft) => void;
  readonly onCommit: () => void;
  readonly onAgain: () => void;
  readonly onCancel: () => void;
}

function DraftPanel({ draft, tried, conflict, labels, lasts, onLasts, onChange, onCommit, onAgain, onCancel }: DraftPanelProps) {
  const hints: Record<Draft['tool'], string> = {
    point: 'Click the object. Shift-click or a long press marks what does not belong to it.',
    box: 'Drag a box around the object.',
    text: 'Say what to look for: "a red part".',
    label: 'Choose classes of the model.',
  };
  return (
    <section class="panel draft" aria-label="New prompt">
      <h2>New {draft.tool} prompt</h2>
      {draft.tool === 'text' ? (
        <input
          aria-label="Text"
          value={draft.text}
          placeholder="a red part"
          maxLength={200}
          autofocus
          onInput={(event) => onChange({ ...draft, text: event.currentTarget.value })}
        />
      ) : null}
      {draft.tool === 'label' ? (
        <select
          multiple
          aria-label="Classes"
          onChange={(event) => onChange({ ...draft, labels: [...event.currentTarget.selectedOptions].map(({ value }) => value) })}
        >
          {labels.map((label) => (
            <option key={label}>{label}</option>
          ))}
        </select>
      ) : null}
      <p class={`tried ${tried?.state ?? ''}`} role="status">
        {tried?.text ?? hints[draft.tool]}
      </p>
      {conflict ? (
        <p class="tried error" role="alert">
          Somebody changed the prompts meanwhile (revision {conflict.revision}).{' '}
          <button type="button" onClick={onAgain}>
            Apply again
          </button>
        </p>
      ) : null}
      <div class="row">
        <label class="check">
          <input type="checkbox" checked={lasts} onChange={(event) => onLasts(event.currentTarget.checked)} /> for 60 s only
        </label>
        <span class="space" />
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="button" class="primary" disabled={!tried || tried.state === 'asking' || tried.state === 'error'} onClick={onCommit}>
          <Icon name="check" /> Add
        </button>
      </div>
    </section>
  );
}

interface PromptListProps {
  readonly held: PromptsMessage | undefined;
  readonly answers: readonly ViewAnswer[];
  readonly strips: ReadonlyMap<string, readonly string[]>;
  readonly can: boolean;
  readonly onRemove: (id: string) => void;
}

const GLYPHS = { matched: '✔', unmatched: '✖', pending: '…' } as const;

function PromptList({ held, answers, strips, can, onRemove }: PromptListProps) {
  const list = held?.prompts ?? [];
  return (
    <section class="panel" aria-label="Prompts">
      <h2>
        Prompts <small>revision {held?.revision ?? '–'}</small>
        {held?.expiresAt ? <Remaining until={held.expiresAt} /> : null}
      </h2>
      {list.length === 0 ? <p class="quiet">None: everything is segmented and published. Take a tool and click an object.</p> : null}
      <ul class="prompts">
        {list.map(({ id, type }) => {
          const answer = answers.find((each) => each.id === id);
          const strip = strips.get(id) ?? [];
          const share = strip.length === 0 ? 0 : strip.filter((each) => each === 'matched').length / strip.length;
          return (
            <li key={id} class={answer?.status ?? 'pending'}>
              <span class="glyph" aria-hidden="true">
                {GLYPHS[answer?.status ?? 'pending']}
              </span>
              <span class="name">
                {id} <small>{type}</small>
              </span>
              <Strip strip={strip} />
              <span class="score" title={answer?.reason}>
                {answer?.follow ? `${answer.follow} ` : ''}
                {answer?.score === undefined ? '' : answer.score.toFixed(2)}
              </span>
              <span class="share">{Math.round(100 * share)} %</span>
              {can ? (
                <button type="button" class="round small" aria-label={`Remove ${id}`} onClick={() => onRemove(id)}>
                  <Icon name="close" />
                </button>
              ) : null}
              <span class="hidden">{answer?.status}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Remaining({ until }: { until: string }) {
  const [now, setNow] = useState(daemonNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(daemonNow()), 500);
    return () => clearInterval(timer);
  }, []);
  return <small class="ttl">{Math.max(0, Math.ceil((Date.parse(until) - now) / 1000))} s left</small>;
}

function Strip({ strip }: { strip: readonly string[] }) {
  const path = strip.map((answer, k) => (answer === 'matched' ? `M${k} 1v8` : answer === 'pending' ? `M${k} 5v2` : `M${k} 8v1`)).join('');
  return (
    <svg class="strip" viewBox={`0 0 ${STRIP} 10`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

interface ObjectListProps {
  readonly shown: Shown | undefined;
  readonly style: StageStyle;
  readonly focused: number;
  readonly onStyle: (next: Partial<StageStyle>) => void;
  readonly onFocus: (index: number) => void;
  readonly onTake: (index: number) => void;
  readonly can: boolean;
}

function ObjectList({ shown, style, focused, onStyle, onFocus, onTake, can }: ObjectListProps) {
  const objects = shown?.objects;
  const listed = objects ? [...objects.scores.keys()].filter((index) => objects.scores[index]! >= style.least) : [];
  const best = objects && objects.count > 0 ? objects.scores[0]! : undefined;
  const names = shown?.meta.answers ?? [];
  const move = (event: KeyboardEvent) => {
    const at = listed.indexOf(focused);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: listed.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      onFocus(listed[Math.min(Math.max(next, 0), listed.length - 1)] ?? -1);
    } else if (event.key === 'Enter' && focused >= 0 && can) {
      event.preventDefault();
      event.stopPropagation();
      onTake(focused);
    }
  };
  return (
    <section class="panel objects" aria-label="Objects">
      <h2>
        Objects <small>{listed.length}</small>
      </h2>
      <div class="sliders">
        <label>
          Score from <output>{style.least.toFixed(2)}</output>
          <input
            type="range"
            min="0"
            max="1"
            step="0.01"
            value={style.least}
            onInput={(event) => onStyle({ least: Number(event.currentTarget.value) })}
          />
        </label>
        <label>
          Opacity <output>{Math.round(100 * style.opacity)} %</output>
          <input
            type="range"
            min="0"
            max="0.9"
            step="0.05"
            value={style.opacity}
            onInput={(event) => onStyle({ opacity: Number(event.currentTarget.value) })}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={style.contours} onChange={(event) => onStyle({ contours: event.currentTarget.checked })} />{' '}
          Contours
        </label>
        <label>
          Masks{' '}
          <select value={style.masks} onChange={(event) => onStyle({ masks: event.currentTarget.value as StageStyle['masks'] })}>
            <option value="all">all</option>
            <option value="matched">of prompts</option>
            <option value="none">none</option>
          </select>
        </label>
      </div>
      {listed.length === 0 && shown ? (
        <p class="quiet">
          0 objects above {style.least.toFixed(2)}
          {best === undefined ? '' : `, best ${best.toFixed(2)}`}
        </p>
      ) : null}
      <div
        role="listbox"
        tabIndex={0}
        aria-label="Objects on the picture"
        aria-activedescendant={focused >= 0 ? `object-${focused}` : undefined}
        onKeyDown={move}
      >
        {listed.slice(0, MAX_ROWS).map((index) => (
          <div
            key={shown!.ids[index]}
            id={`object-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === focused}
            onClick={() => onFocus(index === focused ? -1 : index)}
            onKeyDown={move}
          >
            <span class="swatch" style={`background:${cssOf(colourOf(shown!.ids[index]!))}`} />
            <span class="number">#{objects!.tracks[index] || index}</span>
            <span class="score">{objects!.scores[index]!.toFixed(2)}</span>
            <span class="area">{objects!.areas[index]!.toLocaleString('en')} px</span>
            <span class="quiet">
              {shown!.meta.labels[objects!.classes[index]!] ?? ''}{' '}
              {names
                .filter(({ type }, k) => type !== 'everything' && k < 32 && ((objects!.prompts[index]! >>> k) & 1) === 1)
                .map(({ id }) => id)
                .join(', ')}
            </span>
          </div>
        ))}
      </div>
      {listed.length > MAX_ROWS ? <p class="quiet">and {listed.length - MAX_ROWS} more; raise the score to see fewer</p> : null}
    </section>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ['1 – 9', 'camera'],
  ['V P B T L', 'look, point, box, text, label'],
  ['Space', 'freeze, go live'],
  ['[ ]', 'smaller, larger object'],
  ['Enter', 'take the object; add the prompt'],
  ['Esc', 'cancel'],
  ['Z', 'undo'],
  ['M', 'masks: all, of prompts, none'],
];

function Help() {
  return (
    <dl class="panel help">
      {KEYS.map(([key, what]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
