/**
 * One photo: dropped, pasted, chosen, taken with the phone, a frame of a camera, or the first of a clip. Segmented once; the slider
 * needs no server.
 */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Outline as Rings, ViewAnswer } from '../../../src/contract/console.js';
import type { InfoMessage } from '../../../src/contract/node.js';
import { ask as askDaemon, hello, may, post, prompts as promptsOf, tell, topics } from '../link/link.js';
import { Outline } from '../live/outline.js';
import { type Draft, EMPTY, freeId, ordered, promptOf, type Tool } from '../ui/draft.js';
import { Icon } from '../ui/icons.js';
import { Slider } from '../ui/slider.js';
import { LabelField, TextFields } from '../ui/words.js';
import { type Shown, Stage, type StageStyle, wantedRenderer } from '../view/stage.js';
import { ClipPanel, type ClipState, forgetClip, isClip, MAX_CLIP_BYTES, sendClip } from './clip.js';

const EXPORTS = [
  ['png', 'PNG with masks'],
  ['cutout', 'Cut-out PNG'],
  ['json', 'JSON'],
  ['coco', 'COCO'],
] as const;
const MAX_BYTES = 16_000_000;
const TOOLS = ['look', 'point', 'box', 'text', 'label'] as const;

interface Tried {
  readonly objects: number;
  readonly answers: readonly (ViewAnswer & { readonly matches: readonly { readonly id: number; readonly score: number }[] })[];
}

type Point = readonly [number, number, boolean];
type Prompt = Record<string, unknown> & { readonly id: string };

export function Photo() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage>();
  const id = useSignal<string | undefined>(undefined);
  const state = useSignal<'empty' | 'working' | 'shown'>('empty');
  const tool = useSignal<Tool>('point');
  /** Texts and classes as they are typed, and as they were last asked about. */
  const words = useSignal<Draft>({ ...EMPTY, tool: 'text' });
  const askedWords = useSignal<Draft | undefined>(undefined);
  const isLooking = useSignal(false);
  const clip = useSignal<ClipState | undefined>(undefined);
  const sending = useRef<AbortController>();
  const prompts = useSignal<readonly Prompt[]>([]);
  const points = useSignal<readonly Point[]>([]);
  const box = useSignal<readonly [number, number, number, number] | undefined>(undefined);
  const tried = useSignal<Tried | undefined>(undefined);
  const iou = useSignal(0.7);
  const hovered = useSignal(-1);
  const shown = useSignal<Shown | undefined>(undefined);
  const style = useSignal<StageStyle>({ opacity: 0.4, contours: true, least: 0.4, masks: 'all' });
  const allCameras = hello.value?.cameras ?? [];
  const cameras = allCameras.filter(({ pictures }) => pictures);

  useEffect(() => {
    const view = new Stage(canvas.current!, wantedRenderer());
    stage.current = view;
    Object.assign(window, { fastsamStage: view });
    const paste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (file) void open(file);
    };
    addEventListener('paste', paste);
    const fit = new ResizeObserver(() => {
      view.fit();
      view.redraw();
    });
    fit.observe(canvas.current!);
    return () => {
      sending.current?.abort();
      forgetClip(clip);
      removeEventListener('paste', paste);
      fit.disconnect();
      view.close();
    };
  }, []);

  useEffect(() => {
    stage.current!.style = style.value;
    stage.current!.redraw();
  }, [style.value]);

  const load = async (added: { ok: boolean; body: Record<string, unknown> }) => {
    if (!added.ok) {
      tell(String(added.body.error ?? 'the picture was refused'), 'error');
      state.value = id.value === undefined ? 'empty' : 'shown';
      return;
    }
    id.value = String(added.body.id);
    prompts.value = [];
    points.value = [];
    box.value = undefined;
    askedWords.value = undefined;
    tried.value = undefined;
    await show();
  };

  const show = async () => {
    const response = await fetch(`./api/pictures/${id.value}/view`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    state.value = 'shown';
    hovered.value = -1;
    await new Promise<void>((resolve) => stage.current!.frame(bytes, resolve));
    shown.value = stage.current?.shown;
  };

  const openClip = async (file: File) => {
    if (file.size > MAX_CLIP_BYTES) {
      tell(`the clip has ${Math.ceil(file.size / 1e6)} MB; expected at most ${MAX_CLIP_BYTES / 1e6}`, 'error');
      return;
    }
    sending.current?.abort();
    const controller = new AbortController();
    sending.current = controller;
    if (!(await sendClip(file, clip, controller.signal))) return;
    state.value = 'working';
    await load(await post(`clips/${clip.value!.id}/picture`, {}));
  };

  const open = async (file: File) => {
    if (isClip(file)) {
      await openClip(file);
      return;
    }
    if (file.size > MAX_BYTES) {
      tell(`the picture has ${Math.ceil(file.size / 1e6)} MB; expected at most 16`, 'error');
      return;
    }
    state.value = 'working';
    try {
      const response = await fetch('./api/pictures', {
        method: 'POST',
        headers: { 'content-type': file.type || 'application/octet-stream' },
        body: file,
      });
      await load({ ok: response.ok, body: (await response.json()) as Record<string, unknown> });
    } catch {
      await load({ ok: false, body: { error: 'the picture could not be sent' } });
    }
  };

  const fromCamera = async (camera: string) => {
    if (camera === '') return;
    state.value = 'working';
    await load(await post(`cameras/${camera}/picture`, {}));
  };

  const ask = async (set: readonly Prompt[], again = iou.value) => {
    if (id.value === undefined) return;
    isLooking.value = set.some(({ type }) => type === 'text');
    const answer = await post(`pictures/${id.value}/try`, { prompts: set, conf: Math.max(0.05, style.value.least), iou: again });
    isLooking.value = false;
    if (!answer.ok) {
      tell(String(answer.body.error), 'error');
      return;
    }
    tried.value = answer.body as unknown as Tried;
    if (answer.body.segmented === true) await show();
    stage.current!.selected = new Set(tried.value.answers.flatMap(({ matches }) => matches.map((match) => match.id)));
    stage.current!.redraw();
  };

  const change = (nextPoints: readonly Point[], nextBox: readonly [number, number, number, number] | undefined) => {
    points.value = nextPoints;
    box.value = nextBox;
    askedWords.value = undefined;
    void ask([...prompts.value, ...current()]);
  };

  /** The prompt that is being made, under the next free number. */
  const current = (): Prompt[] => {
    const n = prompts.value.length + 1;
    const made = [
      promptOf({ ...EMPTY, tool: 'point', points: points.value }, `p${n}`),
      promptOf({ ...EMPTY, tool: 'box', box: box.value }, `p${n}`),
      askedWords.value && promptOf(askedWords.value, `p${n}`),
    ];
    return made.filter((prompt): prompt is Prompt => prompt !== undefined);
  };

  const keep = () => {
    prompts.value = [...prompts.value, ...current().slice(0, 1)];
    points.value = [];
    box.value = undefined;
    askedWords.value = undefined;
  };

  /** The prompts as they are here, for a camera that sees the same place. */
  const useOn = async (camera: string) => {
    const held = promptsOf(camera);
    const taken = held?.prompts.map(({ id: name }) => name) ?? [];
    const added = [...prompts.value, ...current().slice(0, 1)].map((prompt) => {
      const name = freeId(prompt.type === 'points' ? 'point' : String(prompt.type), taken);
      taken.push(name);
      return { ...prompt, id: name };
    });
    const answer = await askDaemon('prompt/add', { camera, prompts: added, ...(held ? { ifRevision: held.revision } : {}) });
    if (answer.status === 'error') tell(answer.error ?? 'refused', 'error');
    else tell(`${added.map(({ id: name }) => name).join(', ')} added to ${camera} (revision ${answer.revision})`);
  };

  const download = async (as: string) => {
    const response = await fetch(`./api/pictures/${id.value}/export`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ as, prompts: [...prompts.value, ...current().slice(0, 1)], conf: Math.max(0.05, style.value.least) }),
    });
    if (!response.ok) {
      tell(String(((await response.json()) as { error?: string }).error), 'error');
      return;
    }
    const url = URL.createObjectURL(await response.blob());
    const link = document.createElement('a');
    link.href = url;
    link.download = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? `photo.${as}`;
    link.click();
    URL.revokeObjectURL(url);
  };

  const place = (event: PointerEvent): [number, number] => {
    const rect = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return [(event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height];
  };
  const hover = (index: number) => {
    const view = stage.current!;
    if (view.hovered === index) return;
    view.hovered = index;
    view.redraw();
    hovered.value = index;
  };
  const use = (next: Tool) => {
    tool.value = next;
    if (next === 'text' || next === 'label') words.value = { ...EMPTY, tool: next };
  };
  const lookFor = () => {
    points.value = [];
    box.value = undefined;
    askedWords.value = words.value;
    void ask([...prompts.value, ...current()]);
  };
  const capabilities = (topics.value.get('info') as InfoMessage | undefined)?.capabilities ?? [];
  const isWords = tool.value === 'text' || tool.value === 'label';
  const drag = useRef<[number, number]>();
  const frame = stage.current?.shown?.frame;
  const boxShown = box.value && ordered(box.value);
  const percent = (value: number) => `${100 * value}%`;

  return (
    <div class="camera photo">
      <h1 class="hidden">Photo</h1>
      <section class="viewer" aria-label="Picture">
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a picture is dropped here with the mouse; the button Open does the same. */}
        <div
          class={`stage drop ${state.value}`}
          style={frame ? `--aspect: ${frame.width} / ${frame.height}; --ratio: ${frame.width / frame.height}` : ''}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            const file = event.dataTransfer?.files[0];
            if (file) void open(file);
          }}
        >
          <canvas
            ref={canvas}
            role="img"
            aria-label={state.value === 'shown' ? 'The photo with its masks' : 'No photo yet'}
            data-tool={tool.value}
            onPointerMove={(event) => {
              const [x, y] = place(event);
              if (drag.current) box.value = [...drag.current, x, y];
              else if (event.pointerType !== 'touch') {
                hover(stage.current!.hit(x, y)[0] ?? -1);
              }
            }}
            onPointerLeave={() => hover(-1)}
            onPointerDown={(event) => {
              if (tool.value !== 'box') return;
              (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
              drag.current = place(event);
            }}
            onPointerUp={(event) => {
              const [x, y] = place(event);
              if (drag.current) {
                change([], [...drag.current, x, y]);
                drag.current = undefined;
              } else if (tool.value === 'point' && state.value === 'shown') change([...points.value, [x, y, !event.shiftKey]], undefined);
            }}
          />
          <Outline stage={stage} frame={shown.value} hovered={hovered} ask={(object) => outlineOf(id.value, object)} />
          <svg class="marks" aria-hidden="true">
            {boxShown ? (
              <rect
                x={percent(boxShown[0])}
                y={percent(boxShown[1])}
                width={percent(boxShown[2] - boxShown[0])}
                height={percent(boxShown[3] - boxShown[1])}
              />
            ) : null}
            {points.value.map(([x, y, isObject], k) => (
              <circle key={k} class={isObject ? 'object' : 'background'} cx={percent(x)} cy={percent(y)} r="7" />
            ))}
          </svg>
          {state.value !== 'shown' ? (
            <div class="waiting">
              {state.value === 'working' ? (
                <p role="status">segmenting …</p>
              ) : (
                <>
                  <p>Drop a picture or a short clip here, paste it, or choose one.</p>
                  <p class="quiet">
                    JPEG, PNG or WebP up to 16 MB; a video up to 200 MB and a minute. It stays on this node for half an hour.
                  </p>
                </>
              )}
            </div>
          ) : null}
        </div>
        <div class="toolbar" role="toolbar" aria-label="Tools">
          <label class="button">
            <Icon name="open" />
            <span>Open</span>
            <input
              type="file"
              class="hidden"
              accept="image/jpeg,image/png,image/webp,video/*,.mkv"
              onChange={(event) => event.currentTarget.files?.[0] && void open(event.currentTarget.files[0])}
              disabled={!may('operator')}
            />
          </label>
          <select
            aria-label="Take a picture from a camera"
            value=""
            onChange={(event) => void fromCamera(event.currentTarget.value)}
            disabled={!may('operator')}
          >
            <option value="">From a camera …</option>
            {cameras.map((camera) => (
              <option key={camera.id}>{camera.id}</option>
            ))}
          </select>
          <span class="divider" />
          {TOOLS.filter((name) => (name !== 'text' && name !== 'label') || capabilities.includes(`prompt:${name}`)).map((name) => (
            <button key={name} type="button" aria-pressed={tool.value === name} onClick={() => use(name)}>
              <Icon name={name} />
              <span>{name[0]!.toUpperCase() + name.slice(1)}</span>
            </button>
          ))}
        </div>
      </section>
      <aside aria-label="Prompts and export">
        <section class="panel" aria-label="Objects">
          <h2>
            Objects <small>{countAbove(stage.current?.shown?.objects.scores, style.value.least)}</small>
          </h2>
          <div class="sliders">
            <Slider
              name="Confidence"
              value={style.value.least}
              shown={style.value.least.toFixed(2)}
              min={0.05}
              max={1}
              step={0.01}
              onInput={(next) => (style.value = { ...style.value, least: next })}
              onRelease={() => void ask([...prompts.value, ...current().slice(0, 1)])}
            />
            <Slider
              name="IoU"
              value={iou.value}
              shown={iou.value.toFixed(2)}
              min={0.1}
              max={1}
              step={0.05}
              onInput={(next) => (iou.value = next)}
              onRelease={() => void ask([...prompts.value, ...current().slice(0, 1)])}
            />
            <Slider
              name="Opacity"
              value={style.value.opacity}
              shown={`${Math.round(100 * style.value.opacity)} %`}
              min={0}
              max={0.9}
              step={0.05}
              onInput={(next) => (style.value = { ...style.value, opacity: next })}
            />
            <label class="check">
              <input
                type="checkbox"
                checked={style.value.contours}
                onChange={(event) => (style.value = { ...style.value, contours: event.currentTarget.checked })}
              />{' '}
              Contours
            </label>
          </div>
        </section>
        <section class="panel" aria-label="Prompts">
          <h2>Prompts</h2>
          {isWords ? (
            <div class="words">
              {tool.value === 'text' ? (
                <TextFields draft={words.value} onChange={(next) => (words.value = next)} />
              ) : (
                <LabelField
                  draft={words.value}
                  labels={stage.current?.shown?.meta.labels ?? []}
                  onChange={(next) => (words.value = next)}
                />
              )}
              <button
                type="button"
                class="primary"
                disabled={id.value === undefined || isLooking.value || promptOf(words.value, 'p') === undefined}
                onClick={lookFor}
              >
                Look for it
              </button>
              {isLooking.value ? <p role="status">looking at every object …</p> : null}
            </div>
          ) : null}
          {isWords || tried.value?.answers.length ? null : (
            <p class="quiet">Click a point on an object (Shift: what is not it), or drag a box.</p>
          )}
          <ul class="prompts">
            {tried.value?.answers.map(({ id: name, type, status: answer, score }) => (
              <li key={name} class={answer}>
                <span class="glyph" aria-hidden="true">
                  {answer === 'matched' ? '✔' : answer === 'pending' ? '…' : '✖'}
                </span>
                <span class="name">
                  {name} <small>{type}</small>
                </span>
                <span class="score">{score?.toFixed(2)}</span>
                <span class="quiet">{answer}</span>
              </li>
            ))}
          </ul>
          <div class="row">
            <button type="button" onClick={keep} disabled={current().length === 0}>
              <Icon name="add" /> Another prompt
            </button>
            <button
              type="button"
              onClick={() => {
                prompts.value = [];
                change([], undefined);
              }}
            >
              Clear
            </button>
            {may('operator') && allCameras.length > 0 ? (
              <select
                aria-label="Use these prompts on a camera"
                value=""
                disabled={(tried.value?.answers.length ?? 0) === 0}
                onChange={(event) => {
                  const camera = event.currentTarget.value;
                  event.currentTarget.value = '';
                  if (camera !== '') void useOn(camera);
                }}
              >
                <option value="">Use on a camera …</option>
                {allCameras.map((camera) => (
                  <option key={camera.id}>{camera.id}</option>
                ))}
              </select>
            ) : null}
          </div>
        </section>
        <ClipPanel
          clip={clip}
          ask={() => ({
            prompts: [...prompts.value, ...current().slice(0, 1)],
            conf: Math.max(0.05, style.value.least),
            iou: iou.value,
          })}
        />
        <section class="panel" aria-label="Export">
          <h2>Export</h2>
          <div class="row wrap">
            {EXPORTS.map(([as, name]) => (
              <button key={as} type="button" disabled={id.value === undefined} onClick={() => void download(as)}>
                {name}
              </button>
            ))}
          </div>
        </section>
      </aside>
    </div>
  );
}

function countAbove(scores: Float32Array | undefined, least: number): number {
  return scores?.filter((score) => score > least).length ?? 0;
}

/** Undefined when the daemon has let the photo go. */
async function outlineOf(id: string | undefined, object: number): Promise<Rings | undefined> {
  try {
    const response = await fetch(`./api/pictures/${id}/outlines/${object}`);
    return response.ok ? ((await response.json()) as Rings) : undefined;
  } catch {
    return undefined;
  }
}
