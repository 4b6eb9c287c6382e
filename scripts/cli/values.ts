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
