/** All cameras as small tiles at a low rate; only those in view are sent. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { CameraStateMessage } from '../../../src/contract/node.js';
import { daemonNow, status, topics, watch } from '../link/link.js';
import { Stage } from '../view/stage.js';
import { ageText, OLD_MS } from './age.js';

export function Grid({ cameras }: { cameras: readonly string[] }) {
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
