// Imports point downward, floor by floor; folders of one floor do not import each other. See docs/architecture.md.
const layers = [
  ['main'],
  ['cli'],
  ['index', 'doctor'],
  ['daemon'],
  ['mqtt', 'broker', 'console'],
  ['jobs', 'eval'],
  ['control', 'status'],
  ['events', 'record', 'field'],
  ['pipeline', 'inspect'],
  ['text', 'track'],
  ['source', 'engine', 'prompt', 'encode', 'zone', 'telemetry'],
  ['model', 'measure', 'saved-state', 'geo'],
  ['addon', 'contract', 'config', 'worker', 'durable'],
  ['domain', 'time'],
  ['errors', 'compiled', 'cores', 'printable'],
];

const place = (name) => `^src/${name}(/|\\.[jt]s$)`;

const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'no-orphans',
    severity: 'error',
    from: {
      orphan: true,
      path: '^src/',
      pathNot:
        '^src/(main|engine/(onnxruntime/(segment|feature)-worker|clip/(text|vision)-worker|tensorrt/build-process)|telemetry/sensors/child|events/spool-worker|record/(record|evidence)-worker)\\.ts$',
    },
    to: {},
  },
  {
    name: 'onnxruntime-without-telemetry',
    comment: 'src/engine/onnxruntime/onnxruntime.ts loads onnxruntime with its telemetry off; everything else imports its types only.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: 'node_modules/onnxruntime-node/', dependencyTypesNot: ['type-only'] },
  },
  { name: 'no-dev-dependency-in-product', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] } },
];
// What `--help` and usage errors load: little. The rest comes in by import() once a command runs.
const atOnce =
  '^src/(main|errors|printable|compiled|addon/addon|cli/(cli|leaving|prepared-help|problem-text|stack-traces|terminal|usage|probe-measure|[a-z-]+-options|option-groups|commands/.*)|config/nearest|domain/(backend|mask|picture|segmentation|selection|track)|daemon/standard-error|contract/verbs)\\.ts$';
forbidden.push({
  name: 'command-line-starts-at-once',
  severity: 'error',
  from: { path: atOnce },
  to: {
    path: '^src/|/node_modules/|^node_modules/',
    pathNot: [atOnce, 'node_modules/(@types/)?(yargs|fastest-levenshtein)/'],
    dependencyTypesNot: ['type-only', 'dynamic-import'],
  },
});
// Inside folders: parts do not import what puts them together; MQTT's sessions do not know what they carry; the console's logins and
// views do not know each other.
const inside = [
  ['daemon-parts-not-its-root', '^src/daemon/.+', '^src/daemon/(daemon|parts)\\.ts$'],
  ['governor-not-health', '^src/daemon/governor/', '^src/daemon/(health|metrics)/'],
  ['metrics-know-findings-only', '^src/daemon/metrics/', '^src/daemon/(governor|health/(?!assess\\.))'],
  ['mqtt-parts-not-its-root', '^src/mqtt/.+', '^src/mqtt/publisher\\.ts$'],
  [
    'mqtt-sessions-carry-anything',
    '^src/mqtt/(connection|session|subscriptions|availability|outbox)\\.ts$',
    '^src/mqtt/(delivery|home-assistant|job-[a-z]+|requests|retained-topics)\\.ts$',
  ],
  ['console-parts-not-its-root', '^src/console/.+', '^src/console/server\\.ts$'],
  [
    'console-logins-know-no-views',
    '^src/console/(access|accounts|guard|login-limits|sessions|users)\\.ts$',
    '^src/console/(asking|clips|pictures|view|view-hub|viewer)\\.ts$',
  ],
  [
    'console-views-know-no-logins',
    '^src/console/(asking|clips|pictures|quality|view|view-hub)\\.ts$',
    '^src/console/(access|accounts|guard|login-limits|sessions|users)\\.ts$',
  ],
];
for (const [name, from, to] of inside) forbidden.push({ name, severity: 'error', from: { path: from, pathNot: to }, to: { path: to } });
for (const [depth, names] of layers.entries()) {
  const above = layers.slice(0, depth).flat();
  for (const name of names) {
    const siblings = names.filter((other) => other !== name);
    const banned = [...above, ...siblings];
    if (banned.length > 0) {
      forbidden.push({ name: `${name}-imports-downward`, severity: 'error', from: { path: place(name) }, to: { path: banned.map(place) } });
    }
  }
}

// The console's page, floor by floor as well. Of the daemon it knows the messages alone.
const pageFloors = ['main', 'app', 'pages', 'photo', 'live', 'ui', 'view', 'link'];
const pagePlace = (name) => `^web/src/${name}(/|\\.tsx?$)`;
for (const [depth, name] of pageFloors.entries()) {
  const banned = pageFloors.slice(0, depth).map(pagePlace);
  if (banned.length > 0)
    forbidden.push({ name: `page-${name}-imports-downward`, severity: 'error', from: { path: pagePlace(name) }, to: { path: banned } });
}
forbidden.push({
  name: 'page-knows-messages-only',
  severity: 'error',
  from: { path: '^web/src/' },
  to: { path: '^src/', pathNot: '^src/contract/' },
});

module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6', 'cjs'],
  },
};

// For scripts/draw-floors.mjs; dependency-cruiser refuses keys that it does not know.
Object.defineProperty(module.exports, 'floors', { value: layers });
