/** Tables for spreadsheets: RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe. */

export function csvLine(values: readonly (string | number | null | undefined)[]): string {
  return values.map((value) => (typeof value === 'string' ? field(value) : (value ?? ''))).join(',');
}

function field(value: string): string {
  const text = /^[=+@\t]|^-[^\d.]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Lines of cells. Quoted cells may hold commas and line breaks; empty lines are left out. */
export function parseCsv(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  // A cell, quoted or not, and what ends it.
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  cell.lastIndex = text.startsWith('\ufeff') ? 1 : 0;
  for (let match = cell.exec(text); match; match = cell.exec(text)) {
    line.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      if (line.length > 1 || line[0] !== '') lines.push(line);
      line = [];
    }
    if (cell.lastIndex >= text.length && match[3] !== ',') break;
  }
  return lines;
}
