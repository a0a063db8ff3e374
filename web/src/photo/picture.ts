/** The photo on the canvas: sent to the daemon or taken from a camera, segmented there, shown here. */
import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { type MutableRef, useEffect, useRef } from 'preact/hooks';
import type { Outline } from '../../../src/contract/console.js';
import { post, tell } from '../link/link.js';
import { type Shown, Stage, type StageStyle, wantedRenderer } from '../view/stage.js';
import { type ClipState, forgetClip, isClip, MAX_CLIP_BYTES, sendClip } from './clip.js';

const MAX_BYTES = 16_000_000;

type Answer = Pick<Awaited<ReturnType<typeof post>>, 'ok' | 'body'>;

export interface Picture {
  readonly stage: MutableRef<Stage | undefined>;
  /** The daemon's name of the photo; another one for every photo. */
  readonly id: Signal<string | undefined>;
  readonly state: Signal<'empty' | 'working' | 'shown'>;
  readonly shown: Signal<Shown | undefined>;
  /** The object under the pointer, by index; -1 for none. */
  readonly hovered: Signal<number>;
  readonly style: Signal<StageStyle>;
  /** Whose first frame is the photo. */
  readonly clip: Signal<ClipState | undefined>;
  /** Sends a picture or a clip. */
  readonly open: (file: File) => Promise<void>;
  readonly fromCamera: (camera: string) => Promise<void>;
  /** Draws what the daemon has of the photo now. */
  readonly show: () => Promise<void>;
  readonly hover: (index: number) => void;
}

export function usePicture(canvas: RefObject<HTMLCanvasElement>): Picture {
  const stage = useRef<Stage>();
  const sending = useRef<AbortController>();
  const id = useSignal<string | undefined>(undefined);
  const state = useSignal<'empty' | 'working' | 'shown'>('empty');
  const shown = useSignal<Shown | undefined>(undefined);
  const hovered = useSignal(-1);
  const style = useSignal<StageStyle>({ opacity: 0.4, contours: true, least: 0.4, masks: 'all' });
  const clip = useSignal<ClipState | undefined>(undefined);

  const show = async () => {
    const response = await fetch(`./api/pictures/${id.value}/view`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    state.value = 'shown';
    hovered.value = -1;
    await new Promise<void>((resolve) => stage.current!.frame(bytes, resolve));
    shown.value = stage.current?.shown;
  };

  const load = async (added: Answer) => {
    if (!added.ok) {
      tell(String(added.body.error ?? 'the picture was refused'), 'error');
      state.value = id.value === undefined ? 'empty' : 'shown';
      return;
    }
    id.value = String(added.body.id);
    await show();
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

  const openPicture = async (file: File) => {
    if (file.size > MAX_BYTES) {
      tell(`the picture has ${Math.ceil(file.size / 1e6)} MB; expected at most ${MAX_BYTES / 1e6}`, 'error');
      return;
    }
    state.value = 'working';
    await load(await sendPicture(file));
  };

  const open = (file: File) => (isClip(file) ? openClip(file) : openPicture(file));

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

  return {
    stage,
    id,
    state,
    shown,
    hovered,
    style,
    clip,
    open,
    fromCamera: async (camera) => {
      state.value = 'working';
      await load(await post(`cameras/${camera}/picture`, {}));
    },
    show,
    hover: (index) => {
      const view = stage.current!;
      if (view.hovered === index) return;
      view.hovered = index;
      view.redraw();
      hovered.value = index;
    },
  };
}

async function sendPicture(file: File): Promise<Answer> {
  try {
    const response = await fetch('./api/pictures', {
      method: 'POST',
      headers: { 'content-type': file.type || 'application/octet-stream' },
      body: file,
    });
    return { ok: response.ok, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return { ok: false, body: { error: 'the picture could not be sent' } };
  }
}

/** Undefined when the daemon has let the photo go. */
export async function outlineOf(id: string | undefined, object: number): Promise<Outline | undefined> {
  try {
    const response = await fetch(`./api/pictures/${id}/outlines/${object}`);
    return response.ok ? ((await response.json()) as Outline) : undefined;
  } catch {
    return undefined;
  }
}
