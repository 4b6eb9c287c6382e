/** Queries: well formed, of the kind that every store answers alike, and with every default filled in. */

import type {
  Aggregates,
  Comparison,
  Query,
  QuerySource,
  Value,
} from '../../../shared/ports/document-store.ts';
import { DOCUMENT_ID } from '../../../shared/ports/document-store.ts';
import { checkCollectionPath, checkDocumentPath, checkFieldPath, checkSegment, fail } from './names.ts';
import { checkValue } from './values.ts';

/** Firestore turns each combination of `in` values into one query, and runs 30 of them at most. */
const MAX_DISJUNCTIONS = 30;

const INEQUALITIES: readonly string[] = ['<', '<=', '>', '>='] satisfies Comparison[];
const COMPARISONS: readonly string[] = [
  ...INEQUALITIES,
  ...(['==', 'in', 'array-contains'] satisfies Comparison[]),
];

export interface Condition {
  readonly field: string;
  readonly comparison: Comparison;
  readonly value: Value;
}

export interface OrderEntry {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

/** A query that is known to be well formed, with every default filled in. */
export interface CheckedQuery {
  readonly source: QuerySource;
  readonly where: readonly Condition[];
  /** Never empty: the last entry is always `DOCUMENT_ID`, so the order is total. */
  readonly order: readonly OrderEntry[];
  readonly limit: number | undefined;
  /** At least one value, and at most one for each entry of `order`. */
  readonly startAfter: readonly Value[] | undefined;
}

/** What `DOCUMENT_ID` stands for, checked: an id in one collection, a path in a group. */
type CheckName = (name: Value) => void;

export function checkQuery(query: Query): CheckedQuery {
  const source = checkSource(query);
  const checkName = ('group' in source ? checkDocumentPath : checkSegment) as CheckName;
  const where = list(query.where, 'where').map((condition) => checkCondition(condition, checkName));
  checkCombination(where);
  const inequality = checkInequalities(where, source);
  const order = completeOrder(list(query.orderBy, 'orderBy').map(checkOrderEntry), inequality);
  checkLimit(query.limit);
  checkCursor(order, query.startAfter, checkName);
  return { source, where, order, limit: query.limit, startAfter: query.startAfter };
}

/** The fields to sum, each once. */
export function checkAggregates(aggregates: Aggregates): string[] {
  const fields = new Set(list(aggregates.sum, 'sum'));
  for (const field of fields) checkFieldPath(field);
  return [...fields];
}

export function isInequality({ comparison }: Condition): boolean {
  return INEQUALITIES.includes(comparison);
}

function checkSource(query: Query): QuerySource {
  const { collection, group } = query as { readonly collection?: string; readonly group?: string };
  if (group === undefined) {
    checkCollectionPath(collection as string);
    return { collection: collection as string };
  }
  if (collection !== undefined) fail('a query looks in a collection or in a group, not in both');
  checkSegment(group);
  return { group };
}

function checkCondition(
  [field, comparison, value]: readonly [string, Comparison, Value],
  checkDocumentName: CheckName,
): Condition {
  if (!COMPARISONS.includes(comparison)) fail(`${JSON.stringify(comparison)} is no comparison`);
  if (field === DOCUMENT_ID) checkNameOperand(comparison, value, checkDocumentName);
  else {
    checkFieldPath(field);
    checkOperand(comparison, value);
  }
  return { field, comparison, value };
}

function checkNameOperand(comparison: Comparison, value: Value, checkDocumentName: CheckName): void {
  if (comparison === 'array-contains') fail('a document id is no array');
  const names = comparison === 'in' ? operandList(value) : [value];
  for (const name of names) checkDocumentName(name);
}

/** Firestore compares null with `==` only, and ignores null in `in` and `array-contains`: a trap, so refused. */
function checkOperand(comparison: Comparison, value: Value): void {
  if (comparison === '==') {
    checkValue(value, 'the value');
    return;
  }
  const operands = comparison === 'in' ? operandList(value) : [value];
  for (const operand of operands) {
    if (operand === null) fail(`${comparison} cannot compare with null; == can`);
    if (Array.isArray(operand)) fail(`${comparison} cannot compare with an array`);
    checkValue(operand, 'the value');
    if (typeof operand === 'object' && INEQUALITIES.includes(comparison)) {
      fail(`${comparison} cannot compare with a map`);
    }
  }
}

function operandList(value: Value): readonly Value[] {
  if (!Array.isArray(value) || value.length === 0) fail('in takes a list of at least one value');
  return value;
}

function checkCombination(where: readonly Condition[]): void {
  if (where.filter(({ comparison }) => comparison === 'array-contains').length > 1) {
    fail('a query takes at most one array-contains');
  }
  const disjunctions = where.reduce((product, { comparison, value }) => {
    return comparison === 'in' ? product * (value as readonly Value[]).length : product;
  }, 1);
  if (disjunctions > MAX_DISJUNCTIONS) fail(`in takes at most ${MAX_DISJUNCTIONS} values`);
}

/** The field that the inequalities are on. One field, so that one walk through one index answers. */
function checkInequalities(where: readonly Condition[], source: QuerySource): string | undefined {
  const fields = new Set(where.filter(isInequality).map(({ field }) => field));
  if (fields.size > 1) fail('inequalities are on one field only');
  if ('group' in source && fields.has(DOCUMENT_ID)) fail('a group query has no inequality on document ids');
  return [...fields][0];
}

function checkOrderEntry([field, direction]: readonly [string, 'asc' | 'desc']): OrderEntry {
  if (field !== DOCUMENT_ID) checkFieldPath(field);
  if (direction !== 'asc' && direction !== 'desc') fail("a direction is 'asc' or 'desc'");
  return { field, direction };
}

function completeOrder(entries: readonly OrderEntry[], inequality: string | undefined): OrderEntry[] {
  const [first] = entries;
  if (first === undefined && inequality !== undefined) {
    return completeOrder([{ field: inequality, direction: 'asc' }], inequality);
  }
  if (inequality !== undefined && first?.field !== inequality) {
    fail('orderBy starts with the field that has an inequality');
  }
  const fields = entries.map(({ field }) => field);
  if (new Set(fields).size !== fields.length) fail('orderBy names a field twice');
  const idAt = fields.indexOf(DOCUMENT_ID);
  if (idAt === -1) return [...entries, { field: DOCUMENT_ID, direction: entries.at(-1)?.direction ?? 'asc' }];
  if (idAt !== entries.length - 1) fail('the document id comes last in orderBy: nothing is left to order');
  return [...entries];
}

function checkLimit(limit: number | undefined): void {
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) fail('limit is a positive integer');
}

function checkCursor(
  order: readonly OrderEntry[],
  values: readonly Value[] | undefined,
  checkDocumentName: CheckName,
): void {
  if (values === undefined) return;
  if (list(values, 'startAfter').length === 0) fail('startAfter takes at least one value');
  if (values.length > order.length) fail('startAfter has more values than the order has fields');
  for (const [index, value] of values.entries()) {
    if (order[index]?.field === DOCUMENT_ID) checkDocumentName(value);
    else if (typeof value === 'object' && value !== null) fail('startAfter takes no arrays and no maps');
    else checkValue(value, 'startAfter');
  }
}

function list<T>(value: readonly T[] | undefined, what: string): readonly T[] {
  if (value !== undefined && !Array.isArray(value)) fail(`${what} is an array`);
  return value ?? [];
}
