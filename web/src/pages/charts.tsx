/** Charts of the daemon's own rings: a reload loses nothing. uPlot is loaded with this page. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { HistoryPoint } from '../../../src/contract/console.js';
import { hello, latestPoint } from '../link/link.js';
import { theme } from '../ui/theme.js';

interface Line {
  readonly name: string;
  readonly value: (point: HistoryPoint) => number | null | undefined;
}

interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const COLOURS = ['#2f9e8f', '#e08a2e', '#6f7bd9', '#c9527b', '#7f9a35', '#9a6bbd'];
const SPANS = ['1h', '24h'] as const;
const MAX_POINTS = 1440;
const STAGES = ['wait', 'preprocess', 'infer', 'decode', 'prompt', 'encode'];

export function Charts() {
  const span = useSignal<(typeof SPANS)[number]>('1h');
  const points = useSignal<readonly HistoryPoint[]>([]);
  const camera = useSignal('');
  const cameras = hello.value?.cameras.map(({ id }) => id) ?? [];
  const chosen = cameras.includes(camera.value) ? camera.value : (cameras[0] ?? '');

  useEffect(() => {
    let isCurrent = true;
    void fetch(`./api/history?span=${span.value}`)
      .then((response) => response.json() as Promise<HistoryPoint[]>)
      .then((history) => {
        if (isCurrent) points.value = history;
      })
      .catch(() => undefined);
    return () => {
      isCurrent = false;
    };
  }, [span.value]);
  useEffect(() => {
    const point = latestPoint.value;
    const last = points.value.at(-1);
    if (point && (!last || point.at - last.at >= (span.value === '1h' ? 4500 : 59_000)))
      points.value = [...points.value, point].slice(-MAX_POINTS);
  }, [latestPoint.value]);

  const newest = points.value.at(-1);
  const zones = Object.keys(newest?.temperaturesC ?? {}).slice(0, 4);
  const drops = Object.keys(newest?.cameras[chosen]?.dropped ?? {});
  const latency = (stage: string, percentile: 'p50' | 'p95' | 'p99') => (point: HistoryPoint) =>
    point.cameras[chosen]?.latencyMs[stage]?.[percentile];
  const charts: Chart[] = [
    {
      title: 'Frames a second',
      unit: 'fps',
      lines: [
        { name: 'from the camera', value: (point) => point.cameras[chosen]?.fpsIn },
        { name: 'results', value: (point) => point.cameras[chosen]?.fpsOut },
      ],
    },
    {
      title: 'Latency, capture to result',
      unit: 'ms',
      lines: (['p50', 'p95', 'p99'] as const).map((name) => ({ name, value: latency('total', name) })),
    },
    { title: 'Median latency by stage', unit: 'ms', lines: STAGES.map((name) => ({ name, value: latency(name, 'p50') })) },
    {
      title: 'Dropped frames since the start',
      unit: '',
      lines: drops.map((name) => ({ name, value: (point) => point.cameras[chosen]?.dropped[name] })),
    },
    {
      title: 'Load',
      unit: '%',
      lines: [
        { name: 'processor', value: (point) => (point.cpuLoad === null ? null : 100 * point.cpuLoad) },
        { name: 'GPU', value: (point) => (point.gpuLoad === null ? null : 100 * point.gpuLoad) },
      ],
    },
    { title: 'Memory of the daemon', unit: 'MB', lines: [{ name: 'resident', value: (point) => point.rssBytes / 1e6 }] },
    { title: 'Temperatures', unit: '°C', lines: zones.map((name) => ({ name, value: (point) => point.temperaturesC[name] })) },
    { title: 'Power', unit: 'W', lines: [{ name: 'whole board', value: (point) => point.watts }] },
  ];
  const known = charts.filter(({ lines }) => lines.some(({ value }) => points.value.some((point) => value(point) != null)));

  return (
    <section class="page" aria-label="Charts">
      <h1>Charts</h1>
      <div class="row">
        <fieldset class="tabs">
          <legend class="hidden">Span</legend>
          {SPANS.map((each) => (
            <button key={each} type="button" aria-pressed={span.value === each} onClick={() => (span.value = each)}>
              {each === '1h' ? '1 hour' : '24 hours'}
            </button>
          ))}
        </fieldset>
        <label>
          Camera{' '}
          <select value={chosen} onChange={(event) => (camera.value = event.currentTarget.value)}>
            {cameras.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </div>
      {points.value.length === 0 ? <p class="quiet">The first figures come with the next report.</p> : null}
      <div class="charts">
        {known.map((chart) => (
          <Plot key={`${chart.title} ${theme.value}`} chart={chart} points={points.value} />
        ))}
      </div>
    </section>
  );
}

/** Pixels of a mark's text with its gap: on a phone the date and the time that uPlot writes lie over each other. */
const MARK_SPACE = 76;

/** As the browser's language writes them, seconds where marks are closer than a minute. */
function timesOfDay(_plot: uPlot, marks: number[], _axis: number, _space: number, seconds: number): string[] {
  const parts = { hour: '2-digit', minute: '2-digit', ...(seconds < 60 ? { second: '2-digit' as const } : {}) } as const;
  return marks.map((mark) => new Date(1000 * mark).toLocaleTimeString([], parts));
}

function Plot({ chart, points }: { chart: Chart; points: readonly HistoryPoint[] }) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const data = [
    points.map(({ at }) => at / 1000),
    ...chart.lines.map(({ value }) => points.map((point) => value(point) ?? null)),
  ] as uPlot.AlignedData;
  const newest = useRef(data);
  newest.current = data;
  useEffect(() => {
    let isCurrent = true;
    void Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]).then(([{ default: Plotter }]) => {
      const target = element.current;
      if (!isCurrent || !target) return;
      const ink = getComputedStyle(target).color;
      const axis = { stroke: ink, grid: { stroke: 'rgb(128 128 128 / 0.18)', width: 1 }, ticks: { show: false }, font: '12px system-ui' };
      plot.current = new Plotter(
        {
          width: target.clientWidth,
          height: 180,
          legend: { show: false },
          cursor: { y: false },
          scales: { y: { range: (_plot, _least, most) => [0, (most || 1) * 1.1] } },
          axes: [
            { ...axis, space: MARK_SPACE, values: timesOfDay },
            { ...axis, size: 46 },
          ],
          series: [
            {},
            ...chart.lines.map(({ name }, k) => ({
              label: name,
              stroke: COLOURS[k % COLOURS.length]!,
              width: 2,
              points: { show: points.length < 3 },
            })),
          ],
        },
        newest.current,
        target,
      );
    });
    const fit = new ResizeObserver(([entry]) => plot.current?.setSize({ width: entry!.contentRect.width, height: 180 }));
    fit.observe(element.current!);
    return () => {
      isCurrent = false;
      fit.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [chart.lines.map(({ name }) => name).join()]);
  useEffect(() => plot.current?.setData(data), [points]);
  const last = (k: number) => {
    const value = (data[k + 1] as (number | null)[]).findLast((each) => each !== null);
    return value == null ? '–' : value.toFixed(value < 10 ? 1 : 0);
  };
  return (
    <figure class="panel">
      <figcaption>{chart.title}</figcaption>
      <div
        ref={element}
        class="plot"
        role="img"
        aria-label={`${chart.title}: ${chart.lines.map(({ name }, k) => `${name} ${last(k)} ${chart.unit}`).join(', ')}`}
      />
      <ul class="legend">
        {chart.lines.map(({ name }, k) => (
          <li key={name}>
            <span class="swatch" style={`background:${COLOURS[k % COLOURS.length]}`} /> {name} <strong>{last(k)}</strong> {chart.unit}
          </li>
        ))}
      </ul>
    </figure>
  );
}
