/** Takes the steps of a history on one store, and answers what every store must answer alike. */
import {
  ConflictError,
  type Demand,
  DOCUMENT_ID,
  type DocumentStore,
  type Fields,
  type Query,
  type Snapshot,
  type Value,
  type Write,
} from '../../../shared/ports/document-store.ts';
import { type Condition, isInequality, mapNames, type Step, type SymbolicWrite } from './histories.ts';

/** A store seen through the names of one run, which keeps the versions of every document it met. */
export class Subject {
  readonly store: DocumentStore;
  readonly run: string;
  readonly history = new Map<string, string[]>();

  constructor(store: DocumentStore, run: string) {
    this.store = store;
    this.run = run;
  }

  /** Collections carry the run's name, and so do groups: the store is shared by all runs. */
  located(path: string): string {
    return path
      .split('/')
      .map((segment, index) => (index % 2 === 0 ? `${segment}-${this.run}` : segment))
      .join('/');
  }

  async take(todo: Step): Promise<unknown> {
    switch (todo.kind) {
      case 'commits':
        return await this.commit(todo.commits);
      case 'get':
        return this.known(await this.store.get(todo.paths.map((path) => this.located(path))));
      case 'query': {
        const query = this.locatedQuery(todo.query);
        const aggregate = await this.store.aggregate(query, { sum: ['n', 'missing'] });
        const found = 'group' in query ? await this.pageThrough(query) : await this.store.query(query);
        return [aggregate, ...this.comparable(query, found)];
      }
    }
  }

  locatedQuery(query: Query): Query {
    if (!('group' in query)) return { ...query, collection: this.located(query.collection) };
    const where = (query.where ?? []).map((each): Condition => {
      return each[0] === DOCUMENT_ID
        ? [each[0], each[1], mapNames(each[2], (path) => this.located(path as string))]
        : each;
    });
    return { ...query, group: this.located(query.group), where };
  }

  async pageThrough(query: Query): Promise<Snapshot[]> {
    const seen: Snapshot[] = [];
    for (let next = query; ; ) {
      const page = await this.store.query(next);
      seen.push(...page);
      const last = page.at(-1);
      if (last === undefined || page.length < (query.limit ?? Number.POSITIVE_INFINITY)) return seen;
      const startAfter = [...orderedFields(query).map((field) => fieldOf(last, field)), last.path];
      next = { ...query, startAfter };
    }
  }

  /** The order within ties of a group is the store's own; everything else is compared as it came. */
  comparable(query: Query, found: readonly Snapshot[]): unknown[] {
    if (!('group' in query)) return [this.known(found)];
    const keys = found.map((document) => orderedFields(query).map((field) => fieldOf(document, field)));
    return [keys, this.known(found.toSorted((a, b) => (a.path < b.path ? -1 : 1)))];
  }

  async commit(commits: readonly (readonly SymbolicWrite[])[]): Promise<unknown> {
    const concrete = commits.map((writes) => writes.map((each) => this.concrete(each)));
    const outcomes = await Promise.allSettled(concrete.map((writes) => this.store.commit(writes)));
    const paths = [...new Set(concrete.flat().map(({ path }) => path))];
    const after = await this.store.get(paths);
    for (const snapshot of after) if (snapshot !== undefined) this.remember(snapshot);
    const answered = outcomes.map((outcome, n) => this.describeOutcome(outcome, concrete[n] ?? []));
    return [answered, this.known(after)];
  }

  concrete({ op, at: path, fields: written, demand }: SymbolicWrite): Write {
    const versions = this.history.get(this.located(path)) ?? ['never'];
    const version = demand === 'earlier' ? versions[0] : versions.at(-1);
    const demanded: Demand | undefined =
      demand === 'current' || demand === 'earlier' ? { version: version ?? 'never' } : demand;
    const allowed = demanded === 'absent' && op !== 'set' ? undefined : demanded;
    const concrete = {
      op,
      path: this.located(path),
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

  /** Versions that a later commit of the same turn replaced are not remembered, and compare as -1. */
  describeOutcome(outcome: PromiseSettledResult<readonly (string | undefined)[]>, writes: Write[]): unknown {
    if (outcome.status === 'rejected') {
      return outcome.reason instanceof ConflictError ? 'conflict' : String(outcome.reason);
    }
    return outcome.value.map((version, n) => {
      return version && this.history.get(writes[n]?.path ?? '')?.indexOf(version);
    });
  }

  /** Versions as their place in the document's history, which the stores have in common. */
  known(snapshots: readonly (Snapshot | undefined)[]): unknown[] {
    return snapshots.map((snapshot) => {
      return snapshot && { ...snapshot, version: this.history.get(snapshot.path)?.indexOf(snapshot.version) };
    });
  }
}

/** The fields that the answer is ordered by, the name excepted. */
function orderedFields({ orderBy = [], where = [] }: Query): string[] {
  const inequality = orderBy.length === 0 ? where.filter(isInequality).slice(0, 1) : [];
  return [...orderBy, ...inequality].map(([field]) => field).filter((field) => field !== DOCUMENT_ID);
}

function fieldOf({ fields }: Snapshot, field: string): Value {
  const value = field.split('.').reduce<Value | undefined>((at, name) => {
    return typeof at === 'object' && at !== null ? (at as Fields)[name] : undefined;
  }, fields);
  return value ?? null;
}
