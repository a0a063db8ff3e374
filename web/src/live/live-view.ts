/** The newest frames of one camera on a canvas: asked for, drawn, and what lists beside the picture need of them. */
import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { type MutableRef, useEffect, useRef } from 'preact/hooks';
import { daemonNow, hold, type Receiver, renew, watch } from '../link/link.js';
import { type Shown, Stage, type StageStyle, wantedRenderer } from '../view/stage.js';
import { Trails } from '../view/trails.js';
import type { Quality } from './object-list.js';
import { STRIP } from './prompt-list.js';
import { roiOf, type Zoom } from './zoom.js';

/** Lists follow four times a second: more cannot be read. */
const LIST_MS = 250;
const AGE_MS = 200;
const FPS_MS = 2000;
/** A pinch goes on for a while: the daemon is asked for its end. */
const ZOOM_MS = 150;

export interface LiveView {
  readonly stage: MutableRef<Stage | undefined>;
  /** The frame on the screen. */
  readonly drawn: Signal<Shown | undefined>;
  /** That frame, four times a second. */
  readonly shown: Signal<Shown | undefined>;
  readonly fps: Signal<number>;
  /** Of the frame on the screen, in milliseconds. */
  readonly age: Signal<number | undefined>;
  readonly isFrozen: Signal<boolean>;
  readonly freeze: (on: boolean) => void;
  readonly style: Signal<StageStyle>;
  readonly quality: Signal<Quality>;
  /** Objects by index into the frame on the screen; -1 for none. */
  readonly hovered: Signal<number>;
  readonly focused: Signal<number>;
  /** Chooses an object; -1 for none. */
  readonly focus: (index: number) => void;
  readonly trails: Trails;
  /** The last answers of each prompt. */
  readonly strips: ReadonlyMap<string, readonly string[]>;
}

export function useLiveView(camera: string, canvas: RefObject<HTMLCanvasElement>, zoom: Zoom): LiveView {
  const stage = useRef<Stage>();
  const drawn = useSignal<Shown | undefined>(undefined);
  const shown = useSignal<Shown | undefined>(undefined);
  const fps = useSignal(0);
  const age = useSignal<number | undefined>(undefined);
  const isFrozen = useSignal(false);
  const style = useSignal<StageStyle>({ opacity: 0.35, contours: true, least: 0, masks: 'all' });
  const quality = useSignal<Quality>('auto');
  const hovered = useSignal(-1);
  const focused = useSignal(-1);
  const trails = useRef(new Trails());
  const strips = useRef(new Map<string, string[]>());

  useEffect(() => {
    const view = new Stage(canvas.current!, wantedRenderer());
    stage.current = view;
    Object.assign(window, { fastsamStage: view });
    const times: number[] = [];
    let listedAt = 0;
    view.onFrame = (frame) => {
      const now = performance.now();
      times.push(now);
      while (times.length > 1 && now - times[0]! > FPS_MS) times.shift();
      addAnswers(strips.current, frame);
      trails.current.add(frame.objects, frame.capturedAtMs);
      drawn.value = frame;
      hovered.value = view.hovered;
      if (now - listedAt < LIST_MS) return;
      listedAt = now;
      shown.value = frame;
      if (focused.value >= 0) focused.value = [...view.selected][0] ?? -1;
      fps.value = times.length > 1 ? ((times.length - 1) * 1000) / (now - times[0]!) : 0;
    };
    const timer = setInterval(() => {
      age.value = view.shown && daemonNow() - view.shown.capturedAtMs;
    }, AGE_MS);
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
  const roi = roiOf(zoom);
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

  return {
    stage,
    drawn,
    shown,
    fps,
    age,
    isFrozen,
    freeze: (on) => {
      const view = stage.current!;
      if (on === view.isFrozen || (on && !view.shown)) return;
      view.isFrozen = on;
      isFrozen.value = on;
      if (on) {
        hold(camera, view.shown!.seq);
        shown.value = view.shown;
      }
    },
    style,
    quality,
    hovered,
    focused,
    focus: (index) => {
      const view = stage.current!;
      focused.value = index;
      view.selected = index < 0 ? new Set() : new Set([index]);
      view.redraw();
    },
    trails: trails.current,
    strips: strips.current,
  };
}

function addAnswers(strips: Map<string, string[]>, { meta }: Shown): void {
  for (const { id, status } of meta.answers) {
    const strip = strips.get(id) ?? [];
    strip.push(status);
    if (strip.length > STRIP) strip.shift();
    strips.set(id, strip);
  }
}
