/** Arguments and options from text, checked where they are typed. */
import { InvalidArgumentError } from 'commander';

function wholeNumber(from: number, to: number, what: string) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= from && number <= to) return number;
    throw new InvalidArgumentError(`It must be ${what} from ${from} to ${to}.`);
  };
}

export const days = wholeNumber(1, 36_500, 'a number of days');
export const years = wholeNumber(1, 99, 'a number of years');
export const count = wholeNumber(1, 1_000_000_000, 'a number');
export const amount = wholeNumber(0, 1_000_000_000, 'a number');
export const pageNumber = wholeNumber(1, 10_000, 'a page number');
export const pageSize = wholeNumber(1, 100, 'a page size');

/** `export,reports` */
export function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** `16,17` */
export function numbers(text: string): number[] {
  return words(text).map((word) => {
    if (/^\d{1,9}$/.test(word)) return Number(word);
    throw new InvalidArgumentError('It must be numbers with commas between them.');
  });
}

/** `yes` or `no` */
export function yesOrNo(text: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new InvalidArgumentError('It must be yes or no.');
}

/** One of a few words. */
export function oneOf<Word extends string>(known: readonly Word[]) {
  return (text: string): Word => {
    const found = known.find((word) => word === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It must be one of ${known.join(', ')}.`);
  };
}

/** `2027-01-31T12:00:00+01:00`; a day alone begins at midnight in UTC. */
export function instant(text: string): string {
  const written = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  if (INSTANT.test(written) && !Number.isNaN(Date.parse(written))) return written;
  throw new InvalidArgumentError('It must be a day, 2027-01-31, or an instant, 2027-01-31T12:00:00+01:00.');
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** What stands for null in options: commander makes an empty text of a null. */
export const NOTHING: unique symbol = Symbol('nothing');
export type OrNothing<Value> = Value | typeof NOTHING;

/** What another parser reads, or a word that stands for nothing. */
export function orWord<Value>(word: string, read: (text: string) => Value) {
  return (text: string): OrNothing<Value> => (text === word ? NOTHING : read(text));
}

export function orNull<Value>(given: OrNothing<Value>): Value | null {
  return given === NOTHING ? null : (given as Value);
}
