/** Rows as CSV (RFC 4180) that a spreadsheet takes for text. */

/**
 * Where a spreadsheet may take text for a formula (OWASP, CSV injection): at the beginning of a cell, and, since one that
 * separates by semicolons or tabs does not keep our cells together, after those and after line ends. Quotes may stand before
 * the formula, because such a spreadsheet takes them for its own, and so may the apostrophes of text that has some.
 */
const FORMULA = /^(?=['"]*[=+\-@＝＋－＠\t\r\n])|(?<=[;\t\r\n])(?=['"]*[=+\-@＝＋－＠])/g;
const NEEDS_QUOTES = /[",\r\n]/;

/** With its line end. An apostrophe is put wherever a formula might begin; taking one away there gives the text again. */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`;
}

function cellOf(value: string | number | null): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const harmless = value.replace(FORMULA, "'");
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
