/** Prompts in force, what they answer now and what they answered lately. */
import { useEffect, useState } from 'preact/hooks';
import type { PromptTimeline, ViewAnswer } from '../../../src/contract/console.js';
import type { PromptsMessage } from '../../../src/contract/node.js';
import { daemonNow } from '../link/link.js';
import { Icon } from '../ui/icons.js';

/** Answers that are kept of each prompt. */
export const STRIP = 40;

const TIMELINE_MS = 60_000;

interface PromptListProps {
  readonly camera: string;
  readonly held: PromptsMessage | undefined;
  readonly answers: readonly ViewAnswer[];
  readonly strips: ReadonlyMap<string, readonly string[]>;
  readonly can: boolean;
  readonly onRemove: (id: string) => void;
}

const GLYPHS = { matched: '✔', unmatched: '✖', pending: '…' } as const;

export function PromptList({ camera, held, answers, strips, can, onRemove }: PromptListProps) {
  const list = held?.prompts ?? [];
  const timelines = useTimelines(camera, held?.revision);
  return (
    <section class="panel" aria-label="Prompts">
      <h2>
        Prompts <small>revision {held?.revision ?? '–'}</small>
        {held?.expiresAt ? <Remaining until={held.expiresAt} /> : null}
      </h2>
      {list.length === 0 ? <p class="quiet">None: everything is segmented and published. Take a tool and click an object.</p> : null}
      <ul class="prompts">
        {list.map(({ id, type }) => {
          const answer = answers.find((each) => each.id === id);
          const strip = strips.get(id) ?? [];
          const share = strip.length === 0 ? 0 : strip.filter((each) => each === 'matched').length / strip.length;
          return (
            <li key={id} class={answer?.status ?? 'pending'}>
              <span class="glyph" aria-hidden="true">
                {GLYPHS[answer?.status ?? 'pending']}
              </span>
              <span class="name">
                {id} <small>{type}</small>
              </span>
              <Strip strip={strip} />
              <span class="score" title={answer?.reason}>
                {answer?.follow ? `${answer.follow} ` : ''}
                {answer?.score === undefined ? '' : answer.score.toFixed(2)}
              </span>
              <span class="share">{Math.round(100 * share)} %</span>
              {can ? (
                <button type="button" class="round small" aria-label={`Remove ${id}`} onClick={() => onRemove(id)}>
                  <Icon name="close" />
                </button>
              ) : null}
              <span class="hidden">{answer?.status}</span>
              <Day timeline={timelines[id]} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** From the daemon, which keeps them: a page that is reloaded has lost nothing. */
function useTimelines(camera: string, revision: number | undefined): Readonly<Record<string, PromptTimeline>> {
  const [timelines, setTimelines] = useState<Readonly<Record<string, PromptTimeline>>>({});
  useEffect(() => {
    let isCurrent = true;
    const load = () =>
      void fetch(`./api/cameras/${camera}/prompts/history`)
        .then((response) => (response.ok ? (response.json() as Promise<Record<string, PromptTimeline>>) : {}))
        .then((loaded) => isCurrent && setTimelines(loaded))
        .catch(() => undefined);
    load();
    const timer = setInterval(load, TIMELINE_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [camera, revision]);
  return timelines;
}

/** The last 24 hours: a bar for each quarter of an hour, as high as the share of frames in which the prompt was matched. */
function Day({ timeline }: { timeline: PromptTimeline | undefined }) {
  if (!timeline || timeline.percent === null) return null;
  const { bars, percent } = timeline;
  const path = bars.map((bar, k) => (bar === null ? '' : `M${k + 0.5} 10v${-Math.max(0.09 * bar, 0.6)}`)).join('');
  return (
    <span class="day" role="img" aria-label={`matched in ${percent} % of the last 24 hours`} title="The last 24 hours">
      <svg viewBox={`0 0 ${bars.length} 10`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <small>24 h: {percent} %</small>
    </span>
  );
}

function Remaining({ until }: { until: string }) {
  const [now, setNow] = useState(daemonNow());
  useEffect(() => {
    const timer = setInterval(() => setNow(daemonNow()), 500);
    return () => clearInterval(timer);
  }, []);
  return <small class="ttl">{Math.max(0, Math.ceil((Date.parse(until) - now) / 1000))} s left</small>;
}

function Strip({ strip }: { strip: readonly string[] }) {
  const path = strip.map((answer, k) => (answer === 'matched' ? `M${k} 1v8` : answer === 'pending' ? `M${k} 5v2` : `M${k} 8v1`)).join('');
  return (
    <svg class="strip" viewBox={`0 0 ${STRIP} 10`} preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
