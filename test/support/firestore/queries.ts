/** Running a structured query: which sorted documents to read, from where to where, and which of them match. */

import type { DocumentSet, Documents, StoredDocument } from './documents.ts';
import { DOCUMENT_NAME } from './field-paths.ts';
import { type Condition, compileFilter, type Predicate, requiredConditions } from './filters.ts';
import { type ParsedName, parseParent } from './names.ts';
import { completeOrder } from './query-order.ts';
import { createSort, firstPosition, type Sort, type SortKey } from './sort.ts';
import type { StructuredQuery, Value } from './wire.ts';

export interface QueryResult {
  readonly documents: readonly StoredDocument[];
  /** Documents that matched and were passed over, by `offset`. They are billed too. */
  readonly skipped: number;
}

/** What lies at or after a position (`after`: past all with these values) in the first keys of a sort. */
interface Position {
  readonly values: readonly Value[];
  readonly after: boolean;
}

/** The query is one that `checkQuery` allows. */
export function runQuery(documents: Documents, parentName: string, query: StructuredQuery): QueryResult {
  const parent = parseParent(parentName);
  const { sort, equalities } = sortFor(query);
  const sorted = selectSet(documents, parentName, parent, query).sorted(sort);
  const [first, end] = range(sorted, sort, query, equalities);
  const inside = insideParent(parentName, parent, query);
  const matches = compileFilter(query.where);
  return collect(sorted, first, end, (document) => inside(document) && matches(document), query);
}

/** Fields that must equal something come first, so that what is looked for lies side by side. */
function sortFor(query: StructuredQuery): { sort: Sort; equalities: readonly Value[] } {
  const order = completeOrder(query);
  const ordered = new Set(order.map(({ fieldPath }) => fieldPath));
  const fixed = new Map<string, Value>();
  for (const { fieldPath, op, value } of requiredConditions(query.where)) {
    if (op === 'EQUAL' && !ordered.has(fieldPath) && !fixed.has(fieldPath)) fixed.set(fieldPath, value);
  }
  const prefix: SortKey[] = [...fixed.keys()].sort().map((fieldPath) => ({ fieldPath, descending: false }));
  return {
    sort: createSort([...prefix, ...order]),
    equalities: prefix.map(({ fieldPath }) => fixed.get(fieldPath) as Value),
  };
}

function selectSet(
  documents: Documents,
  parentName: string,
  { root }: ParsedName,
  query: StructuredQuery,
): DocumentSet {
  const { collectionId = '', allDescendants = false } = query.from[0] ?? {};
  if (collectionId === '') return documents.database(root);
  return allDescendants
    ? documents.group(root, collectionId)
    : documents.collection(`${parentName}/${collectionId}`);
}

/** What the chosen set does not say by itself. */
function insideParent(parentName: string, parent: ParsedName, query: StructuredQuery): Predicate {
  const { collectionId = '', allDescendants = false } = query.from[0] ?? {};
  if (collectionId !== '' && !allDescendants) return () => true;
  const below = `${parentName}/`;
  const depth = parentName.split('/').length + 2;
  if (allDescendants) return parent.segments.length === 0 ? () => true : ({ name }) => name.startsWith(below);
  return ({ name }) => name.startsWith(below) && name.split('/').length === depth;
}

/** The positions between which the answer lies, by equalities, cursors, and bounds on the first ordered field. */
function range(
  sorted: readonly StoredDocument[],
  sort: Sort,
  query: StructuredQuery,
  equalities: readonly Value[],
): [number, number] {
  const [starts, ends]: [Position[], Position[]] = [
    [{ values: equalities, after: false }],
    [{ values: equalities, after: true }],
  ];
  const { startAt, endAt } = query;
  if (startAt) starts.push({ values: [...equalities, ...startAt.values], after: !startAt.before });
  if (endAt) ends.push({ values: [...equalities, ...endAt.values], after: !endAt.before });
  for (const condition of requiredConditions(query.where)) {
    addBound(condition, sort.keys[equalities.length], equalities, starts, ends);
  }
  const find = ({ values, after }: Position) =>
    firstPosition(sorted, (document) => {
      const order = sort.compareTo(document, values);
      return after ? order > 0 : order >= 0;
    });
  return [Math.max(...starts.map(find)), Math.min(...ends.map(find))];
}

/** The filter itself is still applied to what lies between: bounds only save reading the rest. */
function addBound(
  { fieldPath, op, value }: Condition,
  key: SortKey | undefined,
  equalities: readonly Value[],
  starts: Position[],
  ends: Position[],
): void {
  if (key?.fieldPath !== fieldPath) return;
  const values = [...equalities, value];
  if (op === 'EQUAL') {
    starts.push({ values, after: false });
    ends.push({ values, after: true });
  }
  const [lower, upper] = key.descending ? [ends, starts] : [starts, ends];
  // Descending, what is greater lies before: an end must then include the value itself where a start does.
  if (op === 'GREATER_THAN') lower.push({ values, after: !key.descending });
  if (op === 'GREATER_THAN_OR_EQUAL') lower.push({ values, after: key.descending });
  if (op === 'LESS_THAN') upper.push({ values, after: key.descending });
  if (op === 'LESS_THAN_OR_EQUAL') upper.push({ values, after: !key.descending });
}

function collect(
  sorted: readonly StoredDocument[],
  first: number,
  end: number,
  matches: Predicate,
  { offset, limit }: StructuredQuery,
): QueryResult {
  const documents: StoredDocument[] = [];
  const wanted = limit?.value ?? Number.POSITIVE_INFINITY;
  let skipped = 0;
  for (let index = first; index < end && documents.length < wanted; index += 1) {
    const document = sorted[index] as StoredDocument;
    if (!matches(document)) continue;
    if (skipped < offset) skipped += 1;
    else documents.push(document);
  }
  return { documents, skipped };
}

/** The name alone is what `select` asks for when it names `__name__` and nothing else. */
export function projectionOf({ select }: StructuredQuery): readonly string[] | undefined {
  const paths = select?.fields.map(({ fieldPath }) => fieldPath) ?? [];
  return paths.length === 0 ? undefined : paths.filter((path) => path !== DOCUMENT_NAME);
}
