/** One camera, large: its picture with tools, its prompts and its objects. */
import { useComputed, useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { CameraStateMessage } from '../../../src/contract/node.js';
import { may, outline, prompts as promptsOf, status, topics } from '../link/link.js';
import { Icon } from '../ui/icons.js';
import type { Shown } from '../view/stage.js';
import { ageText, OLD_MS, SPARING_STALE_MS, STALE_MS } from './age.js';
import { placeOf, step, toward } from './answers.js';
import { DraftPanel } from './draft-panel.js';
import { useDrafting } from './drafting.js';
import { Help, useKeys } from './keys.js';
import { useLiveView } from './live-view.js';
import { Marks, Tags } from './marks.js';
import { ObjectList } from './object-list.js';
import { Outline } from './outline.js';
import { boxByKey, type Corner, pointer } from './pointer.js';
import { usePromptChanges } from './prompt-changes.js';
import { PromptList } from './prompt-list.js';
import { TOOLS, Toolbar } from './toolbar.js';
import { VerdictPanel } from './verdict.js';
import { Zones } from './zones.js';
import { centred, planeStyle, UNZOOMED, type Zoom, zoomAt } from './zoom.js';

export function Camera({ camera, cameras }: { camera: string; cameras: readonly string[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const zoom = useSignal<Zoom>(UNZOOMED);
  /** The corner of a box that the arrow keys move. */
  const corner = useSignal<Corner>(1);
  const isHelp = useSignal(false);
  const held = promptsOf(camera);
  const state = topics.value.get(`cameras/${camera}/state`) as CameraStateMessage | undefined;
  const can = may('operator');
  const view = useLiveView(camera, canvas, zoom.value);
  const { stage, drawn, shown, fps, age, isFrozen, freeze, style, quality, hovered, focused, focus } = view;
  const changes = usePromptChanges(camera, held);
  const { tool, draft, tried, conflict, isShort, use, change, take, commit, cancel } = useDrafting({ camera, view, held, changes, can });

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
    z: () => void changes.undo(),
    Z: () => void changes.redo(),
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
            <Tags drawn={drawn} trails={view.trails} focused={focused.value} hovered={hovered} />
          </div>
          {shown.value === undefined ? <p class="waiting">{waitingText(state)}</p> : null}
          {isLate ? <p class="late">{status.value === 'open' ? `last picture ${ageText(age.value)}` : 'not connected'}</p> : null}
          {stage.current?.shown && !stage.current.shown.picture ? <p class="withheld">pictures of this camera are withheld</p> : null}
        </div>
        <Toolbar
          tool={tool.value}
          isFrozen={isFrozen.value}
          size={zoom.value.size}
          isHelp={isHelp.value}
          can={can}
          onTool={use}
          onFreeze={() => freeze(!isFrozen.value)}
          onUndo={() => void changes.undo()}
          onZoom={zoomBy}
          onHelp={() => (isHelp.value = !isHelp.value)}
        />
        {isHelp.value ? <Help /> : null}
      </section>
      <aside aria-label="Prompts and objects">
        {draft.value ? (
          <DraftPanel
            draft={draft.value}
            tried={tried.value}
            conflict={conflict.value}
            labels={shown.value?.meta.labels ?? []}
            isShort={isShort.value}
            onShort={(on) => (isShort.value = on)}
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
        <PromptList
          camera={camera}
          held={held}
          answers={answers}
          strips={view.strips}
          can={can}
          onRemove={(id) => void changes.remove(id)}
        />
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

function aspect(shown: Shown | undefined): string {
  const { width, height } = shown?.frame ?? { width: 16, height: 9 };
  return `--aspect: ${width} / ${height}; --ratio: ${width / height}`;
}

function waitingText(state: CameraStateMessage | undefined): string {
  if (!state) return 'waiting for the camera; the model may still be loading';
  return state.reason ?? `the camera is ${state.state}`;
}
