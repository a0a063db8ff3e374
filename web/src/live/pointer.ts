/** What mouse, pen and finger do on the picture. */
import type { Draft, Tool } from '../ui/draft.js';
import type { Stage } from '../view/stage.js';

const LONG_PRESS_MS = 450;

interface PointerDeps {
  readonly stage: { readonly current?: Stage | undefined };
  readonly tool: { readonly value: Tool };
  readonly draft: { readonly value: Draft | undefined };
  readonly change: (next: Draft) => void;
  readonly focus: (index: number) => void;
  readonly can: boolean;
}

export function pointer({ stage, tool, draft, change, focus, can }: PointerDeps) {
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
