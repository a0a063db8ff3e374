/** What happened lately, for the page: events of cameras, changes of prompts and who made them. Bounded, of this run. */
import type { ConsoleEvent, ConsoleUser } from '../contract/console.js';
import type { CameraEvent, PromptsMessage } from '../contract/messages.js';
import type { StatusBoard } from '../status/board.js';
import { maySee } from './access.js';

const MAX_EVENTS = 500;
/** A belt full of tracks must not push out who changed a prompt. */
const MAX_OF_TYPE = 100;
const MAX_PICTURES = 120;
/** Of one camera: an event a frame must not mean a picture a frame. */
const PICTURE_MS = 5000;
const MAX_LINE = 300;

export interface ConsoleEventsDeps {
  /** A small picture of the camera's next frame; undefined where pictures are withheld. */
  readonly picture: (camera: string) => Promise<Uint8Array | undefined>;
  /** Whether pictures of the camera may be shown now. */
  readonly showsPictures: (camera: string) => boolean;
}

export class ConsoleEvents {
  readonly #deps: ConsoleEventsDeps;
  readonly #events: ConsoleEvent[] = [];
  readonly #pictures = new Map<number, { readonly camera: string; readonly jpeg: Uint8Array }>();
  readonly #pictureAt = new Map<string, number>();
  readonly #listeners = new Set<(event: ConsoleEvent) => void>();
  /** Users whose request is being applied, by camera; "" for all of them. */
  readonly #acting = new Map<string, string>();
  readonly #revisions = new Map<string, number>();
  #next = 1;

  constructor(deps: ConsoleEventsDeps) {
    this.#deps = deps;
  }

  /** Follows prompts, cameras and alerts of the board. Returns how to end that. */
  follow(status: StatusBoard): () => void {
    return status.subscribe((key, message) => {
      const [, camera, what] = /^cameras\/([^/]+)\/(prompts|state)$/.exec(key) ?? [];
      if (camera !== undefined && what === 'prompts' && message) this.#promptsChanged(camera, message as PromptsMessage);
      if (key.startsWith('alert/'))
        this.add({
          type: message ? 'alert' : 'alert-cleared',
          text: message ? String((message as { message: string }).message) : `${key.slice(6)}: no longer`,
        });
    });
  }

  /** Runs `act`, and changes it makes are the user's. */
  async during<T>(user: ConsoleUser, camera: unknown, act: () => Promise<T>): Promise<T> {
    const key = typeof camera === 'string' ? camera : '';
    this.#acting.set(key, user.name);
    try {
      return await act();
    } finally {
      this.#acting.delete(key);
    }
  }

  cameraEvent(camera: string, event: CameraEvent): void {
    const { type, ...rest } = event;
    const prompt = 'prompt' in rest ? rest.prompt : undefined;
    this.add({ type, camera, text: lineOf(event), ...(prompt === undefined ? {} : { prompt }) });
  }

  add(event: Omit<ConsoleEvent, 'number' | 'at' | 'picture'>): void {
    const number = this.#next;
    this.#next += 1;
    const now = performance.now();
    const { camera } = event;
    const wantsPicture = camera !== undefined && now - (this.#pictureAt.get(camera) ?? Number.NEGATIVE_INFINITY) > PICTURE_MS;
    const added = { ...event, text: event.text.slice(0, MAX_LINE), number, at: new Date().toISOString() };
    this.#events.push(added);
    this.#forgetOldest(event.type);
    for (const listener of this.#listeners) listener(added);
    if (!wantsPicture) return;
    this.#pictureAt.set(camera, now);
    void this.#deps.picture(camera).then(
      (jpeg) => jpeg && this.#keepPicture(added, camera, jpeg),
      () => undefined,
    );
  }

  #forgetOldest(type: string): void {
    const ofType = this.#events.filter((event) => event.type === type).length;
    if (ofType > MAX_OF_TYPE)
      this.#events.splice(
        this.#events.findIndex((event) => event.type === type),
        1,
      );
    else if (this.#events.length > MAX_EVENTS) this.#events.shift();
  }

  /** The newest last, as far as the user may see them. */
  list(user: ConsoleUser): ConsoleEvent[] {
    return this.#events.filter(({ camera }) => (camera === undefined ? user.cameras === undefined : maySee(user, camera)));
  }

  /** Undefined when there is none, it is of a camera that the user may not see, or that camera's pictures are withheld by now. */
  picture(number: number, user: ConsoleUser): Uint8Array | undefined {
    const picture = this.#pictures.get(number);
    return picture && maySee(user, picture.camera) && this.#deps.showsPictures(picture.camera) ? picture.jpeg : undefined;
  }

  subscribe(listener: (event: ConsoleEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #keepPicture(event: ConsoleEvent, camera: string, jpeg: Uint8Array): void {
    this.#pictures.set(event.number, { camera, jpeg });
    if (this.#pictures.size > MAX_PICTURES) this.#pictures.delete(this.#pictures.keys().next().value!);
    const index = this.#events.findIndex(({ number }) => number === event.number);
    if (index < 0) return;
    const withPicture = { ...event, picture: true };
    this.#events[index] = withPicture;
    for (const listener of this.#listeners) listener(withPicture);
  }

  #promptsChanged(camera: string, { revision, prompts, expiresAt }: PromptsMessage): void {
    const known = this.#revisions.get(camera);
    this.#revisions.set(camera, revision);
    if (known === undefined || known === revision) return;
    const by = this.#acting.get(camera) ?? this.#acting.get('');
    const names = prompts.map(({ id, type }) => `${id} (${type})`).join(', ') || 'everything';
    const until = expiresAt === undefined ? '' : ` until ${expiresAt.slice(11, 19)}`;
    this.add({ type: 'prompts-changed', camera, revision, text: `${names}${until}`, ...(by === undefined ? {} : { by }) });
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** An event in words. */
function lineOf(event: CameraEvent): string {
  switch (event.type) {
    case 'camera-lost':
      return event.reason ?? 'no frames';
    case 'camera-back':
      return `away for ${seconds(event.awayMs)}`;
    case 'prompt-matched':
      return `${event.prompt}: ${event.objects} ${event.objects === 1 ? 'object' : 'objects'}, best ${event.score.toFixed(2)}`;
    case 'prompt-unmatched':
      return `${event.prompt}: no object`;
    case 'object-entered':
      return `track ${event.track}${event.edge ? ` at the ${event.edge}` : ''}`;
    case 'object-left':
      return `track ${event.track}${event.edge ? ` at the ${event.edge}` : ''}, after ${seconds(event.ageMs)}`;
    case 'line-crossed':
      return `${event.line}: track ${event.track} ${event.direction}; ${event.total.in} in, ${event.total.out} out`;
    case 'zone-entered':
      return `${event.zone}: track ${event.track}, ${event.inside} inside`;
    case 'zone-left':
      return `${event.zone}: track ${event.track} after ${seconds(event.dwellMs)}, ${event.inside} inside`;
    case 'zone-dwell':
      return `${event.zone}: track ${event.track} has stayed for ${seconds(event.dwellMs)}`;
    case 'verdict':
      return [`${event.verdict}: ${event.part ?? `part ${event.inspection}`}`, ...event.reasons].join(', ');
    case 'input-corrupt':
      return `${event.source}: ${event.reason}`;
    case 'governor-step':
      return `${event.direction}: ${event.setting || 'full service'}; ${event.reason}`;
    default:
      return Object.entries(event)
        .filter(([key, value]) => key !== 'type' && typeof value !== 'object')
        .map(([key, value]) => `${key} ${value}`)
        .join(', ');
  }
}
