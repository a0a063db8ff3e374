// node docs/examples/library.mjs MODEL SOURCE x,y: which object is at a point, in every frame of a source.
import { applyPrompts, openEngine, openSource, parsePrompts, SEGMENTATION_DEFAULTS } from 'fastsamd';

const [model, uri, at] = process.argv.slice(2);
if (!model || !uri || !at) {
  process.stderr.write('usage: node docs/examples/library.mjs MODEL SOURCE x,y\n');
  process.exit(2);
}

const engine = await openEngine({ model });
const source = await openSource(uri);
const prompts = parsePrompts([{ type: 'points', points: [at.split(',').map(Number)] }]);

for await (const frame of source) {
  const { segments, timings } = await engine.segment(frame, SEGMENTATION_DEFAULTS);
  const [answer] = applyPrompts(segments, prompts);
  const found = answer.matches.map(({ index }) => `object ${index}, ${segments.areas[index]} px`).join() || 'nothing';
  process.stdout.write(`${frame.origin}: ${segments.count} objects in ${timings.infer.toFixed(0)} ms; at ${at}: ${found}\n`);
  frame[Symbol.dispose]();
}

await source.stop();
await engine.stop();
