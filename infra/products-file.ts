/** The operator's table of products as a file, read once at start. */
import { readFileSync } from 'node:fs';
import { parseStrictJson } from '../shared/canonical/strict-json.ts';
import { CountersignError } from '../shared/errors.ts';
import { type ProductTable, productTable } from '../shared/wire/products.ts';
import { ConfigError } from './config.ts';

/** Some thousand products. */
const MAX_BYTES = 1_048_576;

/** @throws ConfigError that says where the table is wrong, and how */
export function readProducts(path: string): ProductTable {
  const result = productTable.safeParse(parse(path, readText(path)));
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${path} is wrong at ${pointerOf(issue.path)}: ${issue.message}.`,
  );
  throw new ConfigError(['PRODUCTS_FILE is no table of products.', ...problems].join('\n'));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError(`PRODUCTS_FILE cannot be read: ${(cause as Error).message}.`);
  }
}

/** Strictly: of two rows of one tier, one would be lost. */
function parse(path: string, text: string): unknown {
  try {
    return parseStrictJson(text, { maxBytes: MAX_BYTES });
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    throw new ConfigError(
      `PRODUCTS_FILE is no JSON. ${path}${lineOf(text, error.message)}: ${error.message}`,
    );
  }
}

/** The parser counts characters, editors lines. */
function lineOf(text: string, message: string): string {
  const [, offset] = /at character (\d+) of/.exec(message) ?? [];
  if (offset === undefined) return '';
  return `, line ${text.slice(0, Number(offset)).split('\n').length}`;
}

/** RFC 6901. */
function pointerOf(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`);
  return steps.length === 0 ? 'its top' : steps.join('');
}
