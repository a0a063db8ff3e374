/** One camera, large: its picture with tools, its prompts and its objects. */
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CameraStateMessage, InfoMessage, PromptsMessage } from '../../../src/contract/node.js';
import {
  ask,
  daemonNow,
  events,
  hold,
  may,
  outline,
  prompts as promptsOf,
  type Receiver,
  renew,
  status,
  tell,
  topics,
  watch,
} from '../link/link.js';
import { type Draft, EMPTY, freeId, promptOf, type Tool } from '../ui/draft.js';
import { Icon, type IconName } from '../ui/icons.js';
import { type Shown, Stage, type StageStyle, wantedRenderer } from '../view/stage.js';
import { Trails } from '../view/trails.js';
import { ageText, OLD_MS, SPARING_STALE_MS, STALE_MS } from './age.js';
import { guess, outcomeOf, placeOf, step, type Tried, toward } from './answers.js';
import { type Conflict, DraftPanel } from './draft-panel.js';
import { Help, useKeys } from './keys.js';
import { Marks, Tags } from './marks.js';
import { ObjectList, type Quality } from './object-list.js';
import { Outline } from './outline.js';
import { boxByKey, type Corner, pointer } from './pointer.js';
import { PromptList, STRIP } from './prompt-list.js';
import { VerdictPanel } from './verdict.js';
import { Zones } from './zones.js';
import { centred, planeStyle, roiOf, UNZOOMED, type Zoom, zoomAt } from './zoom.js';

const LIST_MS = 250;
/** A pinch goes on for a while: the daemon is asked for its end. */
const ZOOM_MS = 150;
/** Between two questions about a draft that changes. */
const TRY_MS = 120;
const MAX_UNDO = 10;

const TOOLS: readonly { readonly id: Tool; readonly name: string; readonly icon: IconName; readonly key: string }[] = [
  { id: 'look', name: 'Look', icon: 'look', key: 'v' },
  { id: 'point', name: 'Point', icon: 'point', key: 'p' },
  { id: 'box', name: 'Box', icon: 'box', key: 'b' },
  { id: 'text', name: 'Text', icon: 'text', key: 't' },
  { id: 'label', name: 'Label', icon: 'label', key: 'l' },
];

export function Camera({ camera, cameras }: { camera: string; cameras: readonly string[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage>();
  const shown = useSignal<Shown | undefined>(undefined);
  /** The frame on the screen; `shown` follows it four times a second, for lists. */
  const drawn = useSignal<Shown | undefined>(undefined);
  const trails = useRef(new Trails());
  const fps = useSignal(0);
  const age = useSignal<number | undefined>(undefined);
  const isFrozen = useSignal(false);
  const tool = useSignal<Tool>('look');
  const draft = useSignal<Draft | undefined>(undefined);
  const tried = useSignal<Tried | undefined>(undefined);
  const conflict = useSignal<Conflict | undefined>(undefined);
  const focused = useSignal(-1);
  const lasts = useSignal(false);
  const style = useSignal<StageStyle>({ opacity: 0.35, contours: true, least: 0, masks: 'all' });
  const quality = useSignal<Quality>('auto');
  const zoom = useSignal<Zoom>(UNZOOMED);
  const hovered = useSignal(-1);
  /** The corner of a box that the arrow keys move. */
  const corner = useSignal<Corner>(1);
  const isHelp = useSignal(false);
  const isAsking = useRef(false);
  /** The object that the list put into the draft. */
  const taken = useRef<number>();
  const undone = useRef<PromptsMessage[]>([]);
  const redone = useRef<PromptsMessage[]>([]);
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
      trails.current.add(frame.objects, frame.capturedAtMs);
      drawn.value = frame;
      hovered.value = view.hovered;
      // Lists follow four times a second: more cannot be read.
      if (now - listedAt < LIST_MS) return;
      listedAt = now;
      shown.value = frame;
      if (focused.value >= 0) focused.value = [...view.selected][0] ?? -1;
      fps.value = times.length > 1 ? ((times.length - 1) * 1000) / (now - times[0]!) : 0;
    };
    const timer = setInterval(() => {
      age.value = view.shown && daemonNow() - view.shown.capturedAtMs;
    }, 200);
    const fit = new ResizeObserver(() => {
      view.fit();
      view.redraw();
    });
    fit.observe(canvas.current!);
    return () => {
      clearInterval(timer);
      fit.disconnect();
      view.close();
    };
  }, [camera]);

  const receiver = useRef<{ -readonly [K in keyof Receiver]: Receiver[K] }>({
    level: quality.value,
    frame: (bytes, shownThen) => stage.current!.frame(bytes, shownThen),
  });
  useEffect(() => watch(camera, receiver.current), [camera]);
  const roi = roiOf(zoom.value);
  useEffect(() => {
    const { level, roi: before } = receiver.current;
    if (level === quality.value && String(before) === String(roi)) return;
    const timer = setTimeout(() => {
      Object.assign(receiver.current, { level: quality.value, roi });
      renew(camera);
    }, ZOOM_MS);
    return () => clearTimeout(timer);
  }, [camera, quality.value, String(roi)]);

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
    // A finger cannot hit a part that moves.
    if (next !== 'look' && matchMedia('(pointer: coarse)').matches) freeze(true);
  };

  const cancel = () => {
    if (draft.value && (draft.value.points.length > 0 || draft.value.box || draft.value.text)) use(tool.value);
    else {
      use('look');
      freeze(false);
    }
  };

  /** Guesses at once; the daemon is asked about the newest draft, one question at a time, while a box is dragged or a text is typed. */
  const change = (next: Draft) => {
    draft.value = next;
    const view = stage.current!;
    if (!view.shown || !promptOf(next, 'draft')) {
      tried.value = undefined;
      return;
    }
    guess(view, next);
    tried.value = { state: 'asking', text: 'asking the daemon …' };
    if (!isAsking.current) void tryDraft();
  };

  const tryDraft = async () => {
    const view = stage.current!;
    isAsking.current = true;
    for (;;) {
      const next = draft.value;
      const frame = view.shown;
      const prompt = next && promptOf(next, 'draft');
      if (!prompt || !frame) break;
      const answer = await ask('prompt/try', { camera, seq: frame.seq, prompts: [prompt] });
      if (draft.value === next) {
        const outcome = outcomeOf(answer);
        tried.value = outcome.tried;
        if (view.shown?.seq === frame.seq || view.isFrozen) {
          view.selected = new Set(outcome.objects);
          view.redraw();
        }
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
    isAsking.current = false;
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
      conflict.value = conflictOf(camera);
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
    redone.current = [];
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

  /** Goes to the prompts as they were before the last change, or before the last undo; what is left becomes the other way back. */
  const goBack = async (from: PromptsMessage[], other: PromptsMessage[], name: string) => {
    const target = from.pop();
    if (!target || !held) {
      tell(`nothing to ${name}`);
      return;
    }
    other.push(held);
    const answer = await ask('prompt/set', { camera, prompts: target.prompts });
    tell(answer.status === 'ok' ? `${name} done` : (answer.error ?? 'refused'), answer.status === 'ok' ? 'info' : 'error');
  };
  const undo = () => goBack(undone.current, redone.current, 'undo');
  const redo = () => goBack(redone.current, undone.current, 'redo');

  const focus = (index: number) => {
    const view = stage.current!;
    focused.value = index;
    view.selected = index < 0 ? new Set() : new Set([index]);
    view.redraw();
  };

  /** A point in the middle of what is shown of an object, where its mask is certain to be; the same object again adds the prompt. */
  const take = (index: number) => {
    const view = stage.current!;
    if (draft.value?.points.length && taken.current === view.shown?.ids[index] && tried.value?.state === 'matched') {
      void commit();
      return;
    }
    taken.current = view.shown?.ids[index];
    const place = placeOf(view.shown, index);
    if (!place || !can) return;
    if (tool.value !== 'point') use('point');
    change({ ...draft.value!, tool: 'point', points: [...draft.value!.points, [...place, true]] });
  };

  /** About what is chosen, or the middle of what is seen. */
  const zoomBy = (factor: number) => {
    const { x, y, size } = zoom.value;
    const chosen = placeOf(stage.current?.shown, focused.value);
    const next = zoomAt(zoom.value, factor, [x + size / 2, y + size / 2]);
    zoom.value = chosen && factor > 1 ? centred(next, chosen) : next;
  };

  const arrow = (dx: number, dy: number) => {
    if (draft.value?.tool === 'box' && can) change({ ...draft.value, box: boxByKey(draft.value.box, corner.value, [dx, dy], zoom.value) });
    else focus(toward(stage.current!, focused.value, [dx, dy]));
  };

  useKeys({
    ArrowLeft: () => arrow(-1, 0),
    ArrowRight: () => arrow(1, 0),
    ArrowUp: () => arrow(0, -1),
    ArrowDown: () => arrow(0, 1),
    c: () => {
      corner.value = corner.value === 1 ? 0 : 1;
    },
    '+': () => zoomBy(2),
    '=': () => zoomBy(2),
    '-': () => zoomBy(0.5),
    0: () => {
      zoom.value = UNZOOMED;
    },
    ' ': () => freeze(!isFrozen.value),
    Escape: cancel,
    Enter: () => (draft.value && tried.value ? void commit() : focused.value >= 0 && take(focused.value)),
    z: () => void undo(),
    Z: () => void redo(),
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
  const isStale = !isOld && (age.value ?? 0) > (shown.value?.meta.isSparing ? SPARING_STALE_MS : STALE_MS);
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
          {shown.value?.meta.isSparing && !isFrozen.value ? <span class="sparing">few pictures: segmentation needs every core</span> : null}
          <span class="figures">
            {zoom.value.size < 1 ? <span>{(1 / zoom.value.size).toFixed(1)}×</span> : null}
            {isFrozen.value ? <Frozen seq={drawn.value?.seq} /> : <span>{fps.value.toFixed(1)} fps</span>}
            <span class={isOld ? 'bad' : isStale ? 'warn' : ''}>{ageText(age.value)}</span>
            <span class="wide">revision {shown.value?.promptRevision ?? held?.revision ?? '–'}</span>
          </span>
        </div>
        <div class={`stage ${isLate ? (isOld ? 'old' : 'stale') : ''}`} style={aspect(shown.value)}>
          <div class="plane" style={planeStyle(zoom.value)}>
            <canvas
              ref={canvas}
              role="img"
              aria-label={summary.value}
              data-tool={tool.value}
              {...pointer({ stage, tool, draft, zoom, hovered, change, focus, can })}
            />
            <Marks draft={draft.value} corner={corner.value} />
            <Outline
              stage={stage}
              frame={isFrozen.value ? drawn.value : undefined}
              hovered={hovered}
              chosen={focused}
              ask={(object, { seq }) => outline(camera, seq, object)}
            />
            <Zones camera={camera} frame={shown.value?.frame} />
            <Tags drawn={drawn} trails={trails.current} focused={focused.value} hovered={hovered} />
          </div>
          {shown.value === undefined ? <p class="waiting">{waitingText(state)}</p> : null}
          {isLate ? <p class="late">{status.value === 'open' ? `last picture ${ageText(age.value)}` : 'not connected'}</p> : null}
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
          <button type="button" onClick={() => zoomBy(2)} disabled={zoom.value.size <= 1 / 8} title="Zoom in (+)">
            <Icon name="zoomIn" />
            <span>Zoom in</span>
          </button>
          {zoom.value.size < 1 ? (
            <button type="button" onClick={() => zoomBy(0.5)} title="Zoom out (-)">
              <Icon name="zoomOut" />
              <span>Zoom out</span>
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
            onChange={change}
            onCommit={() => void commit()}
            onAgain={() => {
              conflict.value = undefined;
              void commit();
            }}
            onCancel={cancel}
          />
        ) : null}
        <VerdictPanel camera={camera} />
        <PromptList camera={camera} held={held} answers={answers} strips={strips.current} can={can} onRemove={(id) => void remove(id)} />
        <ObjectList
          shown={shown.value}
          style={style.value}
          quality={quality.value}
          onQuality={(next) => (quality.value = next)}
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

/** Beside the picture: on it, it would cover names of zones and objects. */
function Frozen({ seq }: { seq: number | undefined }) {
  return (
    <strong class="ice">
      frozen<span class="wide"> · frame {seq}</span>
    </strong>
  );
}

/** What another user has done, as far as it is known yet. */
function conflictOf(camera: string): Conflict {
  const held = promptsOf(camera);
  const change = events.value.findLast((event) => event.type === 'prompts-changed' && event.camera === camera);
  return {
    revision: held?.revision ?? 0,
    by: change?.by,
    now: held?.prompts.map(({ id }) => id).join(', ') || 'none',
  };
}

function has(info: InfoMessage | undefined, type: string): boolean {
  return info?.capabilities.includes(`prompt:${type}`) ?? false;
}

function aspect(shown: Shown | undefined): string {
  const { width, height } = shown?.frame ?? { width: 16, height: 9 };
  return `--aspect: ${width} / ${height}; --ratio: ${width / height}`;
}

function waitingText(state: CameraStateMessage | undefined): string {
  if (!state) return 'waiting for the camera; the model may still be loading';
  return state.reason ?? `the camera is ${state.state}`;
}
