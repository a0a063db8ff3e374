// Draws the floors of src/ into docs/architecture.md: the folders of each floor, and what each imports. The floors are
// those of .dependency-cruiser.cjs, the imports those of the sources. A test demands that the drawing is current.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { posix } from 'node:path';

const ROOT = new URL('../', import.meta.url);
const PAGE = new URL('docs/architecture.md', ROOT);
const BETWEEN = /(<!-- floors: .*? -->\n).*?(<!-- end of floors -->)/s;

/** Folder (or file directly below src/) → the others that it imports. */
function importsByFolder() {
  const imports = new Map();
  const folderOf = (path) => path.split('/')[0].replace(/\.[jt]s$/, '');
  for (const path of readdirSync(new URL('src/', ROOT), { recursive: true })) {
    if (!path.endsWith('.ts')) continue;
    const from = folderOf(path);
    const found = imports.get(from) ?? new Set();
    imports.set(from, found);
    const text = readFileSync(new URL(`src/${path}`, ROOT), 'utf8');
    for (const [, target] of text.matchAll(/(?:\bfrom |\bimport\()'(\.[^']+)'/g)) {
      const to = folderOf(posix.join(posix.dirname(path), target));
      if (to !== from && to !== '..') found.add(to);
    }
  }
  return imports;
}

/** The page with the drawing as it should be. */
export function drawn(page) {
  const { floors } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
  const imports = importsByFolder();
  const order = floors.flat();
  const rows = floors.flatMap((names, floor) =>
    names
      .filter((name) => imports.has(name))
      .map((name, place) => {
        const below = order.filter((other) => imports.get(name).has(other)).join(' ');
        return `${place === 0 ? String(floors.length - floor).padStart(2) : '  '}  ${name.padEnd(10)} ${below ? `→ ${below}` : ''}`.trimEnd();
      }),
  );
  return page.replace(BETWEEN, `$1\`\`\`text\n${rows.join('\n')}\n\`\`\`\n$2`);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(PAGE, drawn(readFileSync(PAGE, 'utf8')));
}
