/** A short clip: sent in pieces, then segmented frame by frame on the daemon with the photo's prompts and sliders. */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { post, tell } from '../link/link.js';
import { Icon } from '../ui/icons.js';

export const MAX_CLIP_BYTES = 200_000_000;

interface Progress {
  readonly done: number;
  /** Unknown for files whose index does not say how many frames there are. */
  readonly of: number | undefined;
}

export interface ClipState {
  readonly id: string;
  readonly name: string;
  readonly step: 'sending' | 'ready' | 'working' | 'done';
  /** Bytes while it is sent, frames while it is segmented. */
  readonly progress: Progress;
  readonly results?: {
    readonly frames: number;
    readonly isCut: boolean;
    readonly bytes: { readonly video: number; readonly lines: number };
  };
}

export function isClip({ type, name }: { readonly type: string; readonly name?: string }): boolean {
  return type.startsWith('video/') || (type === '' && /\.(mp4|m4v|mov|mkv|webm|avi)$/i.test(name ?? ''));
}

/** Sends the clip and shows how far it is. True once the daemon has all of it. */
export async function sendClip(file: File, clip: Signal<ClipState | undefined>, signal: AbortSignal): Promise<boolean> {
  const begun = await post('clips', { name: file.name, bytes: file.size });
  if (!begun.ok) {
    tell(String(begun.body.error ?? 'the clip was refused'), 'error');
    return false;
  }
  const { id, pieceBytes } = begun.body as { id: string; pieceBytes: number };
  clip.value = { id, name: file.name, step: 'sending', progress: { done: 0, of: file.size } };
  for (let at = 0; at < file.size; at += pieceBytes) {
    const answer = await send('PUT', `clips/${id}?at=${at}`, file.slice(at, at + pieceBytes), signal);
    if (answer.error !== undefined) {
      if (!signal.aborted) tell(answer.error, 'error');
      forgetClip(clip);
      return false;
    }
    clip.value = { ...clip.value, progress: { done: Math.min(at + pieceBytes, file.size), of: file.size } };
  }
  clip.value = { ...clip.value, step: 'ready', progress: { done: 0, of: undefined } };
  return true;
}

/** Deletes the clip on the daemon too, which ends work on it. */
export function forgetClip(clip: Signal<ClipState | undefined>): void {
  const { id } = clip.value ?? {};
  clip.value = undefined;
  if (id !== undefined) void send('DELETE', `clips/${id}`, undefined, AbortSignal.timeout(5000));
}

async function send(
  method: string,
  path: string,
  body: Blob | undefined,
  signal: AbortSignal,
): Promise<{ readonly error?: string | undefined }> {
  try {
    const headers: Record<string, string> = body ? { 'content-type': 'application/octet-stream' } : {};
    const response = await fetch(`./api/${path}`, { method, headers, ...(body ? { body } : {}), signal });
    return response.ok ? {} : { error: String(((await response.json()) as { error?: string }).error ?? 'the daemon refused it') };
  } catch {
    return { error: 'the connection was lost; open the clip again' };
  }
}

/** The JSON lines of a response as they arrive. */
async function* linesOf(response: Response): AsyncGenerator<Record<string, unknown>> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>;
  }
}

/** Segments all of it. Ends when `signal` is aborted or the connection breaks; the daemon then ends too. */
async function segmentClip(clip: Signal<ClipState | undefined>, ask: object, signal: AbortSignal): Promise<void> {
  const begun = clip.value!;
  clip.value = { ...begun, step: 'working', progress: { done: 0, of: undefined } };
  const give = (next: Partial<ClipState>) => {
    if (clip.value?.id === begun.id) clip.value = { ...clip.value, ...next };
  };
  try {
    const response = await fetch(`./api/clips/${begun.id}/segment`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
      signal,
    });
    if (!response.ok) throw new Error(String(((await response.json()) as { error?: string }).error));
    for await (const line of linesOf(response)) {
      if (line.error !== undefined) throw new Error(String(line.error));
      if (line.done === true) give({ step: 'done', results: line as unknown as NonNullable<ClipState['results']> });
      else give({ progress: { done: Number(line.frames), of: line.of as number | undefined } });
    }
    if (clip.value?.id === begun.id && clip.value.step === 'working') throw new Error('the daemon ended before the clip was through');
  } catch (error) {
    if (!signal.aborted) tell((error as Error).message, 'error');
    give({ step: 'ready' });
  }
}

export function ClipPanel({ clip, ask }: { clip: Signal<ClipState | undefined>; ask: () => object }) {
  const work = useSignal<AbortController | undefined>(undefined);
  // A page that is left asks for nothing any more.
  useEffect(() => () => work.value?.abort(), []);
  const shown = clip.value;
  if (!shown) return null;
  const { id, name, step, progress, results } = shown;
  const begin = () => {
    const controller = new AbortController();
    work.value = controller;
    void segmentClip(clip, ask(), controller.signal);
  };
  const isBusy = step === 'sending' || step === 'working';
  return (
    <section class="panel clip" aria-label="Clip">
      <h2>
        Clip <small>{name}</small>
      </h2>
      {isBusy ? (
        <>
          <progress
            aria-label={step === 'sending' ? 'Sending the clip' : 'Segmenting the clip'}
            {...(progress.of === undefined ? {} : { value: progress.done, max: progress.of })}
          />
          <p class="quiet">
            {step === 'sending' ? `sent ${megabytes(progress.done)} of ${megabytes(progress.of ?? 0)}` : framesText(progress)}
          </p>
        </>
      ) : null}
      {step === 'ready' ? <p class="quiet">Its first frame is shown. Try prompts on it, then segment all frames with them.</p> : null}
      {step === 'done' && results ? (
        <>
          <p role="status">
            {results.frames} frames segmented{results.isCut ? '; the rest is beyond the limit of a minute' : ''}.
          </p>
          <p class="row wrap">
            <a class="button" href={`./api/clips/${id}/video`} download>
              MP4 with masks <small>{megabytes(results.bytes.video)}</small>
            </a>
            <a class="button" href={`./api/clips/${id}/lines`} download>
              JSON Lines <small>{megabytes(results.bytes.lines)}</small>
            </a>
          </p>
        </>
      ) : null}
      <div class="row">
        {step === 'ready' || step === 'done' ? (
          <button type="button" class="primary" onClick={begin}>
            <Icon name="play" /> {step === 'done' ? 'Segment again' : 'Segment the clip'}
          </button>
        ) : null}
        <button
          type="button"
          onClick={() => {
            if (step === 'working') work.value?.abort();
            else forgetClip(clip);
          }}
        >
          {isBusy ? 'Cancel' : 'Close the clip'}
        </button>
      </div>
    </section>
  );
}

function framesText({ done, of }: Progress): string {
  return of === undefined ? `${done} frames` : `${done} of ${of} frames`;
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
