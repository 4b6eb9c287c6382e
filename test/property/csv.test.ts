/** CSV in spreadsheets: whatever separates cells there, none is a formula, and every text can be had back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from '../../shared/csv.ts';

const RUNS = { numRuns: 5_000 };
const FORMULA = /^[=+\-@＝＋－＠]/;

/** Made of what matters in CSV, so that most of them are attacks. */
const hostile = fc
  .array(fc.constantFrom(...`=+-@＝＋－＠;,\t\r\n"'1a `), { maxLength: 14 })
  .map((characters) => characters.join(''));

/** As spreadsheets read: quotes at the beginning of a cell hold it together, what follows them is added, others are text. */
function cellsOf(text: string, separator: string): string[] {
  const cells: string[] = [];
  let [cell, at, isQuoted] = ['', 0, false];
  const isEnd = (place: number) => [separator, '\r', '\n', undefined].includes(text[place]);
  while (at < text.length) {
    if (cell === '' && !isQuoted && text[at] === '"' && (at === 0 || isEnd(at - 1))) isQuoted = true;
    else if (isQuoted && text.startsWith('""', at)) {
      cell += '"';
      at += 1;
    } else if (isQuoted && text[at] === '"') isQuoted = false;
    else if (!isQuoted && isEnd(at)) {
      cells.push(cell);
      cell = '';
    } else cell += text[at];
    at += 1;
  }
  return [...cells, cell];
}

/** What `docs/api.md` says. */
function original(cell: string): string {
  return cell
    .replace(/^'(?=['"]*[=+\-@＝＋－＠\t\r\n])/, '')
    .replace(/(?<=[;\t\r\n])'(?=['"]*[=+\-@＝＋－＠])/g, '');
}

test.each([',', ';', '\t'])('separated by %j, no cell begins a formula', (separator) => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), (texts) => {
      const formulas = cellsOf(csvLine(texts), separator).filter((cell) => FORMULA.test(cell));
      expect(formulas).toEqual([]);
    }),
    RUNS,
  );
});

test('every text is had back by taking the apostrophes away', () => {
  fc.assert(
    fc.property(hostile, fc.string(), (text, other) => {
      const [cell, next] = cellsOf(csvLine([text, other]), ',');
      expect([original(cell ?? ''), original(next ?? '')]).toEqual([text, other]);
    }),
    RUNS,
  );
});

test('texts that differ give cells that differ', () => {
  fc.assert(
    fc.property(hostile, hostile, (one, other) => {
      expect(csvLine([one]) === csvLine([other])).toBe(one === other);
    }),
    RUNS,
  );
});
