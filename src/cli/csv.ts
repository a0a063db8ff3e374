/** Tables for spreadsheets: RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe. */

export function csvLine(values: readonly (string | number | null | undefined)[]): string {
  return values.map((value) => (typeof value === 'string' ? field(value) : (value ?? ''))).join(',');
}

function field(value: string): string {
  const text = /^[=+@\t]|^-[^\d.]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
