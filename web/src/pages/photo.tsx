/**
 * One photo: dropped, pasted, chosen, taken with the phone, a frame of a camera, or the first of a clip. Segmented once; the slider
 * needs no server.
 */
import { useRef } from 'preact/hooks';
import type { InfoMessage } from '../../../src/contract/node.js';
import { hello, may, topics } from '../link/link.js';
import { ClipPanel } from '../photo/clip.js';
import { ExportPanel } from '../photo/export-panel.js';
import { FilterPanel } from '../photo/filter-panel.js';
import { PhotoStage } from '../photo/photo-stage.js';
import { type Picture, usePicture } from '../photo/picture.js';
import { PromptPanel } from '../photo/prompt-panel.js';
import { type PhotoPrompts, usePhotoPrompts } from '../photo/prompts.js';
import { Icon } from '../ui/icons.js';

const TOOLS = ['look', 'point', 'box', 'text', 'label'] as const;

export function Photo() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = usePicture(canvas);
  const prompts = usePhotoPrompts(picture);
  return (
    <div class="camera photo">
      <h1 class="hidden">Photo</h1>
      <section class="viewer" aria-label="Picture">
        <PhotoStage canvas={canvas} picture={picture} prompts={prompts} />
        <Toolbar picture={picture} prompts={prompts} />
      </section>
      <aside aria-label="Prompts and export">
        <FilterPanel picture={picture} prompts={prompts} />
        <PromptPanel picture={picture} prompts={prompts} />
        <ClipPanel clip={picture.clip} ask={prompts.request} />
        <ExportPanel picture={picture} prompts={prompts} />
      </aside>
    </div>
  );
}

function Toolbar({ picture: { open, fromCamera }, prompts: { tool, use } }: { picture: Picture; prompts: PhotoPrompts }) {
  const cameras = hello.value?.cameras.filter(({ pictures }) => pictures) ?? [];
  const capabilities = (topics.value.get('info') as InfoMessage | undefined)?.capabilities ?? [];
  return (
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
        onChange={(event) => event.currentTarget.value !== '' && void fromCamera(event.currentTarget.value)}
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
  );
}
