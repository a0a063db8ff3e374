/** The photo and its objects as files. */
import { tell } from '../link/link.js';
import type { Picture } from './picture.js';
import type { PhotoPrompts } from './prompts.js';

const EXPORTS = [
  ['png', 'PNG with masks'],
  ['cutout', 'Cut-out PNG'],
  ['json', 'JSON'],
  ['coco', 'COCO'],
] as const;

export function ExportPanel({ picture: { id }, prompts: { request } }: { picture: Picture; prompts: PhotoPrompts }) {
  return (
    <section class="panel" aria-label="Export">
      <h2>Export</h2>
      <div class="row wrap">
        {EXPORTS.map(([as, name]) => (
          <button key={as} type="button" disabled={id.value === undefined} onClick={() => void download(id.value!, { as, ...request() })}>
            {name}
          </button>
        ))}
      </div>
    </section>
  );
}

async function download(id: string, asked: { readonly as: string }): Promise<void> {
  const response = await fetch(`./api/pictures/${id}/export`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(asked),
  });
  if (!response.ok) {
    tell(String(((await response.json()) as { error?: string }).error), 'error');
    return;
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? `photo.${asked.as}`;
  link.click();
  URL.revokeObjectURL(url);
}
