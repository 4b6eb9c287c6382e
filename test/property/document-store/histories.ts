/** Random histories of a document store: commits, reads and queries, as the port allows them. */
import fc from 'fast-check';
import {
  type Comparison,
  DOCUMENT_ID,
  documentId,
  type Fields,
  type Query,
  type Value,
  type Write,
} from '../../../shared/ports/document-store.ts';

const COLLECTIONS = ['c', 'c/a/c', 'c/ab/c', 'cc'];
const IDS = ['a', 'ab', 'b', 'B', '10', '9', 'é', '\uFF5E', '😀', 'a\u0000', '"', "'", '%'];
const SCALARS: Value[] = [
  null,
  false,
  true,
  -0,
  0,
  1,
  -1,
  0.1,
  1.5,
  2 ** 53,
  2 ** 60,
  -(2 ** 63),
  1e20,
  1e21,
  1e300,
];
SCALARS.push(
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  '',
  '0',
  '1',
  'a',
  'a\u0000b',
  '"',
  "'",
  '\\',
  '\uFF5E',
  '😀',
  'null',
);

const id = fc.constantFrom(...IDS);
const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SCALARS) },
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
);
const element = fc.oneof(
  scalar,
  fc.dictionary(fc.constantFrom('a', 'b', 'toString'), scalar, { maxKeys: 2 }),
);
const array = fc.array(element, { maxLength: 3 });
/** `v`, `w` and `map.x` are ordered by and so hold no arrays; `n` is summed and so adds up exactly. */
const fields: fc.Arbitrary<Fields> = fc.record(
  {
    v: scalar,
    w: fc.constantFrom<Value>(null, true, 1, 2, 'x'),
    map: fc.oneof(fc.record({ x: scalar, list: array }, { requiredKeys: [] }), scalar),
    list: fc.oneof(array, scalar),
    n: fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.constantFrom<Value>(0.5, -2.25, '7', null, true)),
  },
  { requiredKeys: [] },
);
const ORDERED = ['v', 'w', 'map.x'];
const FIELDS = [...ORDERED, 'map', 'list', 'map.list', 'n', 'missing'];

/** Versions differ between the stores, so a demand says where in the document's history to take one. */
type SymbolicDemand = 'absent' | 'present' | 'current' | 'earlier' | undefined;
export interface SymbolicWrite {
  readonly op: Write['op'];
  readonly at: string;
  readonly fields: Fields;
  readonly demand: SymbolicDemand;
}

const at = fc.tuple(fc.constantFrom(...COLLECTIONS), id).map(([collection, name]) => `${collection}/${name}`);
const write: fc.Arbitrary<SymbolicWrite> = fc.record({
  op: fc.constantFrom('set', 'set', 'update', 'delete'),
  at,
  fields,
  demand: fc.constantFrom<SymbolicDemand[]>(undefined, undefined, 'absent', 'present', 'current', 'earlier'),
});
export const commit = fc.uniqueArray(write, { selector: (each) => each.at, minLength: 1, maxLength: 4 });

export type Condition = readonly [field: string, comparison: Comparison, value: Value];

const comparable = scalar.filter((value) => value !== null);
const condition = fc.oneof(
  fc.tuple(fc.constantFrom(...FIELDS), fc.constant('==' as const), fc.oneof(element, array)),
  fc.tuple(fc.constantFrom(...FIELDS), fc.constantFrom('<', '<=', '>', '>='), comparable),
  fc.tuple(
    fc.constantFrom(...FIELDS),
    fc.constant('in' as const),
    fc.array(comparable, { minLength: 1, maxLength: 4 }),
  ),
  fc.tuple(
    fc.constantFrom(...FIELDS),
    fc.constant('array-contains' as const),
    element.filter((value) => value !== null),
  ),
  fc.tuple(fc.constant(DOCUMENT_ID), fc.constantFrom('==', '<', '<=', '>', '>='), id),
  fc.tuple(
    fc.constant(DOCUMENT_ID),
    fc.constant('in' as const),
    fc.array(id, { minLength: 1, maxLength: 4 }),
  ),
) as fc.Arbitrary<Condition>;

interface RawQuery {
  readonly collection: string;
  readonly isGroup: boolean;
  readonly where: readonly Condition[];
  readonly orderBy: readonly (readonly [string, 'asc' | 'desc'])[];
  readonly limit: number | null;
  readonly cursor: readonly [Value[], string, number];
}

/** As the port demands: inequalities on one field, with which the order starts; in a group, names are paths. */
function wellFormed({ collection, isGroup, where, orderBy, limit, cursor }: RawQuery): Query {
  const source = isGroup ? { group: documentId(collection) } : { collection };
  const name = (value: Value): Value => (isGroup ? `${collection}/${value}` : value);
  const inequality = where.find((each) => isInequality(each) && !(isGroup && each[0] === DOCUMENT_ID))?.[0];
  const conditions = where
    .filter((each) => !isInequality(each) || each[0] === inequality)
    .map((each): Condition => (each[0] === DOCUMENT_ID ? [each[0], each[1], mapNames(each[2], name)] : each));
  const order = orderFor(inequality, orderBy);
  const options = { where: conditions, orderBy: order, ...(limit === null ? {} : { limit }) };
  // Ties of a group have an order of the store's own: there the run pages by what it saw.
  if (isGroup) return { ...source, ...options };
  const [values, lastId, length] = cursor;
  const filled =
    order.length === 0 && inequality !== undefined ? [inequality] : order.map(([field]) => field);
  const ordered = filled.filter((field) => field !== DOCUMENT_ID).length;
  const startAfter = [...values.slice(0, ordered), lastId].slice(0, length);
  return { ...source, ...options, ...(startAfter.length === 0 ? {} : { startAfter }) };
}

export function isInequality([, comparison]: Condition): boolean {
  return comparison.startsWith('<') || comparison.startsWith('>');
}

export function mapNames(value: Value, name: (value: Value) => Value): Value {
  return Array.isArray(value) ? value.map(name) : name(value);
}

function orderFor(inequality: string | undefined, orderBy: RawQuery['orderBy']): RawQuery['orderBy'] {
  if (inequality === undefined || orderBy.length === 0) return orderBy;
  const [, direction] = orderBy[0] ?? [inequality, 'asc'];
  const rest = inequality === DOCUMENT_ID ? [] : orderBy.filter(([field]) => field !== inequality);
  return [[inequality, direction], ...rest];
}

const query: fc.Arbitrary<Query> = fc
  .record({
    collection: fc.constantFrom(...COLLECTIONS),
    isGroup: fc.boolean(),
    // Two array-contains in one query are refused.
    where: fc.uniqueArray(condition, { selector: ([, comparison]) => comparison, maxLength: 3 }),
    orderBy: fc
      .uniqueArray(
        fc.tuple(fc.constantFrom(...ORDERED, DOCUMENT_ID), fc.constantFrom('asc' as const, 'desc' as const)),
        {
          selector: ([field]) => field,
          maxLength: 3,
        },
      )
      .map((entries) =>
        entries.toSorted(([a], [b]) => Number(a === DOCUMENT_ID) - Number(b === DOCUMENT_ID)),
      ),
    limit: fc.option(fc.integer({ min: 1, max: 5 })),
    cursor: fc.tuple(fc.array(scalar, { minLength: 4, maxLength: 4 }), id, fc.integer({ min: 0, max: 5 })),
  })
  .map(wellFormed);

export type Step =
  /** Commits of one turn: SQLite groups them, and the result must be as if they came one after another. */
  | { readonly kind: 'commits'; readonly commits: readonly (readonly SymbolicWrite[])[] }
  | { readonly kind: 'get'; readonly paths: readonly string[] }
  | { readonly kind: 'query'; readonly query: Query };

export const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('commits' as const),
    commits: fc.array(commit, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('get' as const), paths: fc.array(at, { maxLength: 5 }) }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('query' as const), query }) },
);
