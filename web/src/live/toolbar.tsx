/** The tools below the picture. */
import type { InfoMessage } from '../../../src/contract/node.js';
import { topics } from '../link/link.js';
import type { Tool } from '../ui/draft.js';
import { Icon, type IconName } from '../ui/icons.js';
import { LEAST_PART } from './zoom.js';

export const TOOLS: readonly { readonly id: Tool; readonly name: string; readonly icon: IconName; readonly key: string }[] = [
  { id: 'look', name: 'Look', icon: 'look', key: 'v' },
  { id: 'point', name: 'Point', icon: 'point', key: 'p' },
  { id: 'box', name: 'Box', icon: 'box', key: 'b' },
  { id: 'text', name: 'Text', icon: 'text', key: 't' },
  { id: 'label', name: 'Label', icon: 'label', key: 'l' },
];

interface ToolbarProps {
  readonly tool: Tool;
  readonly isFrozen: boolean;
  /** The share of each side of the frame that is seen. */
  readonly size: number;
  readonly isHelp: boolean;
  readonly can: boolean;
  readonly onTool: (next: Tool) => void;
  readonly onFreeze: () => void;
  readonly onUndo: () => void;
  readonly onZoom: (factor: number) => void;
  readonly onHelp: () => void;
}

export function Toolbar({ tool, isFrozen, size, isHelp, can, onTool, onFreeze, onUndo, onZoom, onHelp }: ToolbarProps) {
  const info = topics.value.get('info') as InfoMessage | undefined;
  const isUseful = (id: Tool) =>
    id === 'look' || (can && ((id !== 'text' && id !== 'label') || (info?.capabilities.includes(`prompt:${id}`) ?? false)));
  return (
    <div class="toolbar" role="toolbar" aria-label="Tools">
      {TOOLS.filter(({ id }) => isUseful(id)).map(({ id, name, icon, key }) => (
        <button key={id} type="button" aria-pressed={tool === id} onClick={() => onTool(id)} title={`${name} (${key.toUpperCase()})`}>
          <Icon name={icon} />
          <span>{name}</span>
        </button>
      ))}
      <span class="divider" />
      <button type="button" aria-pressed={isFrozen} onClick={onFreeze} title="Freeze (Space)">
        <Icon name={isFrozen ? 'play' : 'freeze'} />
        <span>{isFrozen ? 'Go live' : 'Freeze'}</span>
      </button>
      {can ? (
        <button type="button" onClick={onUndo} title="Undo (Z)">
          <Icon name="undo" />
          <span>Undo</span>
        </button>
      ) : null}
      <button type="button" onClick={() => onZoom(2)} disabled={size <= LEAST_PART} title="Zoom in (+)">
        <Icon name="zoomIn" />
        <span>Zoom in</span>
      </button>
      {size < 1 ? (
        <button type="button" onClick={() => onZoom(0.5)} title="Zoom out (-)">
          <Icon name="zoomOut" />
          <span>Zoom out</span>
        </button>
      ) : null}
      <button type="button" onClick={onHelp} title="Keys (?)" aria-expanded={isHelp}>
        <Icon name="help" />
        <span>Keys</span>
      </button>
    </div>
  );
}
