/** Writes the lists in docs/mqtt.md from docs/schemas: states of a node and of a camera, and the events with their fields. */
import { readFileSync, writeFileSync } from 'node:fs';

const PAGE = new URL('../docs/mqtt.md', import.meta.url);

function schema(name) {
  return JSON.parse(readFileSync(new URL(`../docs/schemas/fastsam.v1.${name}.json`, import.meta.url), 'utf8'));
}

const code = (names) => names.map((name) => `\`${name}\``).join(', ');

/** One row per event: its own fields, with "?" for those that may be absent. */
function events() {
  const kinds = schema('event').oneOf;
  const ofAll = Object.keys(kinds[0].properties).filter((name) => kinds.every(({ properties }) => name in properties));
  const rows = kinds.map(({ properties, required }) => {
    const fields = Object.keys(properties).filter((name) => !ofAll.includes(name));
    return `| \`${properties.type.const}\` | ${code(fields.map((name) => (required.includes(name) ? name : `${name}?`)))} |`;
  });
  return `\n| \`type\` | fields |\n| --- | --- |\n${rows.join('\n')}\n`;
}

const lists = {
  'states of a node': () => code(schema('state').properties.state.enum),
  'states of a camera': () => code(schema('camera-state').properties.state.enum),
  events,
};

/** The page with the lists as they should be. */
export function listed(page) {
  return Object.entries(lists).reduce((text, [name, write]) => {
    const between = new RegExp(`(<!-- ${name}: from the schemas, by "make generate" -->).*?(<!-- end -->)`, 's');
    if (!between.test(text)) throw new Error(`docs/mqtt.md: expected a list "${name}"`);
    return text.replace(between, (_, begin, end) => `${begin}${write()}${end}`);
  }, page);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, listed(readFileSync(PAGE, 'utf8')));
}
