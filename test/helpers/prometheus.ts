/**
 * A strict reader of Prometheus' text format 0.0.4, and the rules of `promtool check metrics`, written after their
 * documentation: what it says of a text is a list of complaints.
 */

interface Family {
  help?: string;
  type?: string;
  readonly series: Set<string>;
  /** Another family's lines have come since. */
  closed: boolean;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;
const VALUE = /^(NaN|[+-]Inf|[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)( -?\d+)?$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];
/** Units beside the base ones (seconds, bytes, celsius, ratio…), and abbreviations. */
const NOT_BASE =
  /(^|_)(milliseconds|microseconds|nanoseconds|minutes|hours|days|kilobytes|megabytes|gigabytes|kibibytes|mebibytes|gibibytes|bits|kelvin|fahrenheit|percent|ms|us|ns|sec|secs|min|mins|hr|kb|mb|gb|mib|gib|pct)(_|$)/;
const SUFFIXES = /_(bucket|count|sum)$/;

/** What is wrong with `text`; nothing when a scraper and promtool have nothing to say. */
export function complaintsAbout(text: string): string[] {
  const complaints: string[] = [];
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const known = families.get(name) ?? { series: new Set<string>(), closed: false };
    families.set(name, known);
    for (const [other, family] of families) if (other !== name) family.closed = true;
    if (known.closed) complaints.push(`${name}: its lines are not together`);
    known.closed = false;
    return known;
  };
  if (!text.endsWith('\n')) complaints.push('no line feed at the end');
  for (const line of text.split('\n').slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      const family = familyOf(name);
      const key = kind === 'HELP' ? 'help' : 'type';
      if (family[key] !== undefined) complaints.push(`${name}: a second ${kind}`);
      if (key === 'type' && family.series.size > 0) complaints.push(`${name}: TYPE behind its samples`);
      if (key === 'type' && !TYPES.includes(rest)) complaints.push(`${name}: type ${rest}`);
      if (key === 'help' && rest.trim() === '') complaints.push(`${name}: no help text`);
      family[key] = rest;
    } else if (line === '' || line.startsWith('#')) complaints.push(`a line that says nothing: ${JSON.stringify(line)}`);
    else complaints.push(...sampleComplaints(line, families, familyOf));
  }
  for (const [name, family] of families) complaints.push(...lint(name, family));
  return complaints;
}

function sampleComplaints(line: string, families: ReadonlyMap<string, Family>, familyOf: (name: string) => Family): string[] {
  const complaints: string[] = [];
  const [name] = NAME.exec(line) ?? [];
  if (name === undefined) return [`not a sample: ${line}`];
  const labels = new Map<string, string>();
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const [all, label, value] = LABEL.exec(rest) ?? [];
      if (all === undefined) return [`not labels: ${line}`];
      if (labels.has(label!)) complaints.push(`${name}: label ${label} twice`);
      labels.set(label!, value!);
      rest = rest.slice(all.length);
      if (rest.startsWith(',')) rest = rest.slice(1);
      else if (!rest.startsWith('}')) return [`not labels: ${line}`];
    }
    rest = rest.slice(1);
  }
  if (!rest.startsWith(' ') || !VALUE.test(rest.slice(1))) complaints.push(`not a value: ${line}`);
  const base = name.replace(SUFFIXES, '');
  const isPart = name !== base && ['histogram', 'summary'].includes(families.get(base)?.type ?? '');
  const family = familyOf(isPart ? base : name);
  if (family.type === undefined || family.help === undefined) complaints.push(`${name}: HELP and TYPE expected before its samples`);
  if (labels.has('quantile') && family.type !== 'summary') complaints.push(`${name}: label quantile`);
  if (labels.has('le') && family.type !== 'histogram') complaints.push(`${name}: label le`);
  for (const label of labels.keys()) {
    if (label.startsWith('__') || /[A-Z]/.test(label)) complaints.push(`${name}: label ${label}`);
  }
  const series = `${name}{${[...labels].sort().join(' ')}}`;
  if (family.series.has(series)) complaints.push(`${series}: twice`);
  family.series.add(series);
  if (family.type === 'counter' && !/ (\d|\+Inf)/.test(` ${rest.trim()}`)) complaints.push(`${name}: a counter below 0`);
  return complaints;
}

function lint(name: string, { type }: Family): string[] {
  const complaints: string[] = [];
  if (type === 'counter' && !name.endsWith('_total')) complaints.push(`${name}: a counter without _total`);
  if (type !== 'counter' && name.endsWith('_total')) complaints.push(`${name}: _total is for counters`);
  if (type !== 'histogram' && type !== 'summary' && SUFFIXES.test(name))
    complaints.push(`${name}: ${SUFFIXES.exec(name)![0]} is for histograms`);
  if (name.endsWith('_info') && type !== 'gauge') complaints.push(`${name}: _info is for gauges`);
  if (NOT_BASE.test(name)) complaints.push(`${name}: not a base unit, or an abbreviation`);
  if (/:|[A-Z]/.test(name)) complaints.push(`${name}: expected snake_case without colons`);
  if (/_(counter|gauge|histogram|summary)(_|$)/.test(name)) complaints.push(`${name}: the type is in the name`);
  return complaints;
}
