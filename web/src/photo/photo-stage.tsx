/** The photo with its masks, and the marks of the prompt in the making. */
import type { JSX, RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import { Outline } from '../live/outline.js';
import { ordered } from '../ui/draft.js';
import { outlineOf, type Picture } from './picture.js';
import type { PhotoPrompts } from './prompts.js';

interface PhotoStageProps {
  readonly canvas: RefObject<HTMLCanvasElement>;
  readonly picture: Picture;
  readonly prompts: PhotoPrompts;
}

export function PhotoStage({ canvas, picture, prompts: { tool, points, box, change } }: PhotoStageProps) {
  const { stage, id, state, shown, hovered, hover, open } = picture;
  /** Where a box begins that is being dragged. */
  const dragged = useRef<[number, number]>();
  const frame = shown.value?.frame;
  const onPointerMove = (event: JSX.TargetedPointerEvent<HTMLCanvasElement>) => {
    const [x, y] = placeOf(event);
    if (dragged.current) box.value = [...dragged.current, x, y];
    else if (event.pointerType !== 'touch') hover(stage.current!.hit(x, y)[0] ?? -1);
  };
  const onPointerDown = (event: JSX.TargetedPointerEvent<HTMLCanvasElement>) => {
    if (tool.value !== 'box') return;
    event.currentTarget.setPointerCapture(event.pointerId);
    dragged.current = placeOf(event);
  };
  const onPointerUp = (event: JSX.TargetedPointerEvent<HTMLCanvasElement>) => {
    const [x, y] = placeOf(event);
    if (dragged.current) {
      change([], [...dragged.current, x, y]);
      dragged.current = undefined;
    } else if (tool.value === 'point' && state.value === 'shown') change([...points.value, [x, y, !event.shiftKey]], undefined);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a picture is dropped here with the mouse; the button Open does the same.
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
        onPointerMove={onPointerMove}
        onPointerLeave={() => hover(-1)}
        onPointerDown={onPointerDown}
        onPointerUp={onPointerUp}
      />
      <Outline stage={stage} frame={shown.value} hovered={hovered} ask={(object) => outlineOf(id.value, object)} />
      <Marks points={points.value} box={box.value} />
      {state.value === 'shown' ? null : <Waiting isWorking={state.value === 'working'} />}
    </div>
  );
}

/** 0…1 of the photo. */
function placeOf(event: JSX.TargetedPointerEvent<HTMLCanvasElement>): [number, number] {
  const rect = event.currentTarget.getBoundingClientRect();
  return [(event.clientX - rect.left) / rect.width, (event.clientY - rect.top) / rect.height];
}

function Marks({ points, box }: { points: PhotoPrompts['points']['value']; box: PhotoPrompts['box']['value'] }) {
  const percent = (value: number) => `${100 * value}%`;
  const [left, top, right, bottom] = box ? ordered(box) : [0, 0, 0, 0];
  return (
    <svg class="marks" aria-hidden="true">
      {box ? <rect x={percent(left)} y={percent(top)} width={percent(right - left)} height={percent(bottom - top)} /> : null}
      {points.map(([x, y, isObject], k) => (
        <circle key={k} class={isObject ? 'object' : 'background'} cx={percent(x)} cy={percent(y)} r="7" />
      ))}
    </svg>
  );
}

function Waiting({ isWorking }: { isWorking: boolean }) {
  return (
    <div class="waiting">
      {isWorking ? (
        <p role="status">segmenting …</p>
      ) : (
        <>
          <p>Drop a picture or a short clip here, paste it, or choose one.</p>
          <p class="quiet">JPEG, PNG or WebP up to 16 MB; a video up to 200 MB and a minute. It stays on this node for half an hour.</p>
        </>
      )}
    </div>
  );
}
