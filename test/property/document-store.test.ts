import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import type {
  Demand,
  DocumentStore,
  Fields,
  Query,
  Snapshot,
  Value,
  Write,
} from '../../shared/ports/document-store.ts';
import { ConflictError, DOCUMENT_ID, documentId } from '../../shared/ports/document-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/**
 * Random histories on SQLite and on the model in memory. Whatever one answers, the other must answer; what
 * the two cannot share, the versions, must change in the same steps.
 */

const folder = mkdtempSync(join(tmpdir(), 'countersign-property-'));
const sqlite = openSqliteStore({ path: join(folder, 'store.db') });
afterAll(async () => {
  await sqlite.close();
  rmSync(folder, { recursive: true });
});

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
interface SymbolicWrite {
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
const commit = fc.uniqueArray(write, { selector: (each) => each.at, minLength: 1, maxLength: 4 });

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
) as fc.Arbitrary<readonly [string, '==', Value]>;

const query: fc.Arbitrary<Query> = fc
  .record({
    collection: fc.constantFrom(...COLLECTIONS),
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
    cursor: fc.tuple(fc.array(scalar, { minLength: 3, maxLength: 3 }), id, fc.integer({ min: 0, max: 4 })),
  })
  .map(({ limit, cursor: [values, lastId, length], ...rest }) => {
    const ordered = rest.orderBy.filter(([field]) => field !== DOCUMENT_ID).length;
    const startAfter = [...values.slice(0, ordered), lastId].slice(0, length);
    return {
      ...rest,
      ...(limit === null ? {} : { limit }),
      ...(startAfter.length === 0 ? {} : { startAfter }),
    };
  });

type Step =
  /** Commits of one turn: SQLite groups them, and the result must be as if they came one after another. */
  | { readonly kind: 'commits'; readonly commits: readonly (readonly SymbolicWrite[])[] }
  | { readonly kind: 'get'; readonly paths: readonly string[] }
  | { readonly kind: 'query'; readonly query: Query };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('commits' as const),
    commits: fc.array(commit, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('get' as const), paths: fc.array(at, { maxLength: 5 }) }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('query' as const), query }) },
);

/** A store seen through one run's root collection, which keeps the versions of every document it met. */
class Subject {
  readonly store: DocumentStore;
  readonly root: string;
  readonly history = new Map<string, string[]>();

  constructor(store: DocumentStore, root: string) {
    this.store = store;
    this.root = root;
  }

  async run(todo: Step): Promise<unknown> {
    switch (todo.kind) {
      case 'commits':
        return await this.commit(todo.commits);
      case 'get':
        return this.known(await this.store.get(todo.paths.map((path) => this.root + path)));
      case 'query': {
        const rooted = { ...todo.query, collection: this.root + todo.query.collection };
        const aggregate = await this.store.aggregate(rooted, { sum: ['n', 'missing'] });
        return [this.known(await this.store.query(rooted)), aggregate];
      }
    }
  }

  async commit(commits: readonly (readonly SymbolicWrite[])[]): Promise<unknown> {
    const concrete = commits.map((writes) => writes.map((each) => this.concrete(each)));
    const outcomes = await Promise.allSettled(concrete.map((writes) => this.store.commit(writes)));
    const paths = [...new Set(concrete.flat().map(({ path }) => path))];
    const after = await this.store.get(paths);
    for (const snapshot of after) if (snapshot !== undefined) this.remember(snapshot);
    return [outcomes.map(describeOutcome), this.known(after)];
  }

  concrete({ op, at: path, fields: written, demand }: SymbolicWrite): Write {
    const versions = this.history.get(this.root + path) ?? ['never'];
    const version = demand === 'earlier' ? versions[0] : versions.at(-1);
    const demanded: Demand | undefined =
      demand === 'current' || demand === 'earlier' ? { version: version ?? 'never' } : demand;
    const allowed = demanded === 'absent' && op !== 'set' ? undefined : demanded;
    const concrete = {
      op,
      path: this.root + path,
      ...(op === 'delete' ? {} : { fields: op === 'update' ? { ...written, touched: 1 } : written }),
      ...(allowed === undefined ? {} : { demand: allowed }),
    };
    return concrete as Write;
  }

  remember({ path, version }: Snapshot): void {
    const versions = this.history.get(path) ?? [];
    if (!versions.includes(version)) versions.push(version);
    this.history.set(path, versions);
  }

  /** Versions as their place in the document's history, which the stores have in common. */
  known(snapshots: readonly (Snapshot | undefined)[]): unknown[] {
    return snapshots.map((snapshot) => {
      return snapshot && { ...snapshot, version: this.history.get(snapshot.path)?.indexOf(snapshot.version) };
    });
  }
}

function describeOutcome(outcome: PromiseSettledResult<void>): string {
  if (outcome.status === 'fulfilled') return 'committed';
  return outcome.reason instanceof ConflictError ? outcome.reason.message : String(outcome.reason);
}

let runs = 0;

it('SQLite answers every history as the model does', async () => {
  const fill = fc.array(commit, { minLength: 5, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fill, fc.array(step, { minLength: 5, maxLength: 40 }), async (commits, steps) => {
      runs += 1;
      const root = `run${runs}/x/`;
      const model = new Subject(openMemoryStore(), root);
      const subject = new Subject(sqlite, root);
      for (const todo of [{ kind: 'commits', commits } as const, ...steps]) {
        const expected = await model.run(todo);
        expect(await subject.run(todo)).toEqual(expected);
      }
    }),
    { numRuns: 400 },
  );
});

it('SQLite finds and orders any number and any string as JavaScript and UTF-8 do', async () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary', maxLength: 4 }).filter((text) => text.isWellFormed()),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(value, { minLength: 2, maxLength: 30 }), async (values) => {
      runs += 1;
      const collection = `run${runs}/x/values`;
      const writes = values.map((v, n): Write => ({ op: 'set', path: `${collection}/${n}`, fields: { v } }));
      const model = openMemoryStore();
      for (const store of [model, sqlite]) await store.commit(writes);
      const orderBy = [['v', 'asc'] as const];
      const ids = async (store: DocumentStore, part: Partial<Query>): Promise<string[]> =>
        (await store.query({ collection, orderBy, ...part })).map(({ path }) => documentId(path));
      expect(await ids(sqlite, {})).toEqual(await ids(model, {}));
      for (const [n, v] of values.entries()) {
        expect(await ids(sqlite, { where: [['v', '==', v]] })).toEqual([String(n)]);
        const larger = { where: [['v', '>', v] as const] };
        expect(await ids(sqlite, larger)).toEqual(await ids(model, larger));
      }
    }),
    { numRuns: 100 },
  );
});
