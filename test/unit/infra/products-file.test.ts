/** The file with the table of products: what is read from it, and the sentence for each way in which it is wrong. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../infra/config.ts';
import { readProducts } from '../../../infra/products-file.ts';
import { ROWS, TABLE } from '../../support/product-table.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-products-'));
  path = join(folder, 'products.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function complaint(content: unknown): string {
  if (content !== undefined)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  try {
    readProducts(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the table was accepted');
}

const ROW = { name: 'app', title: 'App', tiers: { pro: {} } };
const tier = (terms: object, more: object = {}) => [{ ...ROW, tiers: { pro: terms }, ...more }];

test('a table is read as it was written', () => {
  writeFileSync(path, JSON.stringify(ROWS, null, 2));
  expect(readProducts(path)).toEqual(TABLE);
});

test('the example of docs/api.md is a table', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/api.md'), 'utf8');
  const [, section = ''] = page.split('## Products and entitlements');
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(section) ?? [];
  writeFileSync(path, example);
  expect(readProducts(path).map(({ name }) => name)).toEqual(['sale_forecast']);
});

describe('a file that cannot be read as a table', () => {
  test('because there is none is named', () => {
    expect(complaint(undefined)).toMatch(/^PRODUCTS_FILE cannot be read: ENOENT.*products\.json/);
  });

  test.each([
    ['is empty', '', 'line 1'],
    ['breaks off', '[\n  {\n    "name": "app",\n', 'line 4'],
    ['has a comma too many', '[\n  {\n    "name": "app",\n  }\n]', 'line 4'],
    ['names a tier twice', '[{"name":"a","title":"A","tiers":{\n"pro":{},\n"pro":{}}}]', 'line 3'],
  ])('because it %s is told by its line', (_, text, line) => {
    expect(complaint(text)).toMatch(new RegExp(`^PRODUCTS_FILE is no JSON\\. .*products\\.json, ${line}: `));
  });

  test('because it is longer than any table is told so', () => {
    expect(complaint(JSON.stringify([{ ...ROW, title: 'x'.repeat(1_048_576) }]))).toContain('larger than');
  });
});

describe('a table that is wrong is told by its place', () => {
  test.each<[what: string, content: unknown, place: string]>([
    ['no list', { app: ROW }, 'its top'],
    ['no products', [], 'its top'],
    ['a product without a name', [{ ...ROW, name: undefined }], '/0/name'],
    ['a product without a title', [{ ...ROW, title: '' }], '/0/title'],
    ['a product twice', [ROW, { ...ROW, name: 'other' }, ROW], '/2/name'],
    ['no tiers', [{ ...ROW, tiers: {} }], '/0/tiers'],
    ['a tier of another name', [{ ...ROW, tiers: { gold: {} } }], '/0/tiers'],
    ['a member that is misspelt', tier({ feature: ['a'] }), '/0/tiers/pro'],
    ['features as text', tier({ features: 'a' }), '/0/tiers/pro/features'],
    ['an empty feature', tier({ features: ['a', ''] }), '/0/tiers/pro/features/1'],
    ['no seats at all', tier({ seats: 0 }), '/0/tiers/pro/seats'],
    ['half a year', tier({ duration_days: 182.5 }), '/0/tiers/pro/duration_days'],
    ['limits without one', tier({ limits: { max_instances: 1 } }), '/0/tiers/pro/limits/max_services'],
    ['a policy that is misspelt', tier({ policy: { lease: 60 } }), '/0/tiers/pro/policy'],
    [
      'a lease that is over too soon',
      tier({ policy: { lease_seconds: 300 } }),
      '/0/tiers/pro/policy/lease_seconds',
    ],
    [
      'a lease that is over too soon for the heartbeat of the product',
      tier(
        { policy: { lease_seconds: 500 } },
        { defaults: { policy: { heartbeat_seconds: 500, lease_seconds: 501 } } },
      ),
      '/0/tiers/pro/policy/lease_seconds',
    ],
    [
      'a version that is none',
      tier({ allowed_major_versions: [-1] }),
      '/0/tiers/pro/allowed_major_versions/0',
    ],
    ['defaults that are misspelt', [{ ...ROW, defaults: { seat: 1 } }], '/0/defaults'],
  ])('%s', (_, content, place) => {
    const [first, ...lines] = complaint(content).split('\n');
    expect(first).toBe('PRODUCTS_FILE is no table of products.');
    expect(lines.join('\n')).toContain(`products.json is wrong at ${place}: `);
  });

  test('each place, when there are several', () => {
    const lines = complaint([
      { ...ROW, title: '' },
      { ...ROW, name: '' },
    ]).split('\n');
    expect(lines).toHaveLength(3);
  });
});
