/** What the real server refuses to run: rules on the shape of a query (query.proto). */

import { DOCUMENT_NAME, parseFieldPath } from './field-paths.ts';
import { allConditions, type Condition, conditionOf, elements } from './filters.ts';
import { checkId } from './names.ts';
import { completeOrder, inequalityFields } from './query-order.ts';
import { invalid, StatusError } from './status.ts';
import type { Cursor, Filter, StructuredQuery, Value } from './wire.ts';

const MAX_DISJUNCTIONS = 30;
const MAX_NOT_IN_VALUES = 10;
const MAX_INEQUALITY_FIELDS = 10;

const LIST_OPERATORS = new Set(['IN', 'NOT_IN', 'ARRAY_CONTAINS_ANY']);

/** @throws StatusError INVALID_ARGUMENT */
export function checkQuery(query: StructuredQuery): void {
  if (query.findNearest !== null) {
    throw new StatusError('UNIMPLEMENTED', 'The test server has no vector search.');
  }
  if (query.from.length !== 1) throw invalid('A query names exactly one collection.');
  const collectionId = query.from[0]?.collectionId ?? '';
  if (collectionId !== '') checkId(collectionId);
  if (query.offset < 0) throw invalid('offset is negative.');
  if ((query.limit?.value ?? 0) < 0) throw invalid('limit is negative.');
  checkFilters(query);
  checkCursor(query.startAt, query);
  checkCursor(query.endAt, query);
}

function checkFilters(query: StructuredQuery): void {
  const conditions = allConditions(query.where);
  for (const condition of conditions) checkCondition(condition);
  const disjunctions = disjunctionsOf(query.where);
  if (disjunctions.length > MAX_DISJUNCTIONS) {
    throw invalid(
      `The query has ${disjunctions.length} disjunctions after expansion; ${MAX_DISJUNCTIONS} are allowed.`,
    );
  }
  for (const disjunction of disjunctions) checkArrayFilters(disjunction);
  checkNegations(conditions, disjunctions.length);
  if (inequalityFields(query).length > MAX_INEQUALITY_FIELDS) {
    throw invalid(`Inequalities are on more than ${MAX_INEQUALITY_FIELDS} fields.`);
  }
}

function checkCondition({ fieldPath, op, value }: Condition): void {
  if (LIST_OPERATORS.has(op) && elements(value).length === 0) {
    throw invalid(`'${op}' requires a non-empty ArrayValue.`);
  }
  if (op === 'NOT_IN' && elements(value).length > MAX_NOT_IN_VALUES) {
    throw invalid(`'NOT_IN' takes at most ${MAX_NOT_IN_VALUES} values.`);
  }
  if (fieldPath !== DOCUMENT_NAME) parseFieldPath(fieldPath);
  else for (const name of LIST_OPERATORS.has(op) ? elements(value) : [value]) checkNameValue(name);
}

function checkNameValue(value: Value): void {
  if (value.valueType !== 'referenceValue') throw invalid('__key__ filter value must be a Key.');
}

/** At most one of them, and NOT_IN with nothing that is a disjunction. */
function checkNegations(conditions: readonly Condition[], disjunctions: number): void {
  const negations = conditions.filter(({ op }) => op === 'NOT_EQUAL' || op === 'NOT_IN');
  if (negations.length > 1)
    throw invalid('A query has at most one NOT_EQUAL, NOT_IN, IS_NOT_NULL or IS_NOT_NAN.');
  const lists = conditions.some(({ op }) => op === 'IN' || op === 'ARRAY_CONTAINS_ANY');
  if (negations[0]?.op === 'NOT_IN' && (lists || disjunctions > 1)) {
    throw invalid("'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.");
  }
}

function checkArrayFilters(disjunction: readonly Condition[]): void {
  if (disjunction.filter(({ op }) => op === 'ARRAY_CONTAINS').length > 1) {
    throw invalid('A disjunction has at most one ARRAY_CONTAINS or ARRAY_CONTAINS_ANY.');
  }
}

function checkCursor(cursor: Cursor | null, query: StructuredQuery): void {
  if (cursor === null) return;
  if (cursor.values.length > query.orderBy.length) throw invalid('Cursor has too many values.');
  const order = completeOrder(query);
  for (const [index, value] of cursor.values.entries()) {
    if (order[index]?.fieldPath === DOCUMENT_NAME) checkNameValue(value);
  }
}

/**
 * The filter as alternatives (disjunctive normal form), each a list of conditions that must all hold: IN becomes one
 * EQUAL for each value, ARRAY_CONTAINS_ANY one ARRAY_CONTAINS.
 */
export function disjunctionsOf(filter: Filter | null): Condition[][] {
  if (filter === null) return [[]];
  const { compositeFilter } = filter;
  if (compositeFilter === undefined) return expand(conditionOf(filter)).map((condition) => [condition]);
  if (compositeFilter.filters.length === 0) throw invalid('A composite filter is empty.');
  const parts = compositeFilter.filters.map(disjunctionsOf);
  if (compositeFilter.op === 'OR') return parts.flat();
  if (compositeFilter.op !== 'AND') throw invalid('A composite filter has no operator.');
  return parts.reduce((left, right) => cross(left, right), [[]]);
}

/** Stops soon after the limit: a hostile filter expands exponentially. */
function cross(left: readonly Condition[][], right: readonly Condition[][]): Condition[][] {
  const product: Condition[][] = [];
  for (const a of left) {
    for (const b of right) {
      product.push([...a, ...b]);
      if (product.length > MAX_DISJUNCTIONS) return product;
    }
  }
  return product;
}

function expand(condition: Condition): Condition[] {
  const { fieldPath, op, value } = condition;
  const single = op === 'IN' ? 'EQUAL' : op === 'ARRAY_CONTAINS_ANY' ? 'ARRAY_CONTAINS' : undefined;
  if (single === undefined) return [condition];
  return elements(value).map((element) => ({ fieldPath, op: single, value: element }));
}
