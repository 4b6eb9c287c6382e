/** Which documents a filter matches (query.proto). A document without the field matches nothing. */

import { DOCUMENT_NAME, fieldAt, parseFieldPath } from './field-paths.ts';
import type { Sortable } from './sort.ts';
import { invalid } from './status.ts';
import { compareValues, sameType } from './values.ts';
import type { Filter, Value } from './wire.ts';

export type Predicate = (document: Sortable) => boolean;

/** A filter on one field. Unary filters are comparisons too: `IS_NULL` is `EQUAL` null. */
export interface Condition {
  readonly fieldPath: string;
  readonly op: string;
  readonly value: Value;
}

const NULL: Value = { valueType: 'nullValue', nullValue: 'NULL_VALUE' };
const NAN: Value = { valueType: 'doubleValue', doubleValue: Number.NaN };

const UNARY: Readonly<Record<string, { readonly op: string; readonly value: Value }>> = {
  IS_NULL: { op: 'EQUAL', value: NULL },
  IS_NAN: { op: 'EQUAL', value: NAN },
  IS_NOT_NULL: { op: 'NOT_EQUAL', value: NULL },
  IS_NOT_NAN: { op: 'NOT_EQUAL', value: NAN },
};

type Comparison = (actual: Value, wanted: Value) => boolean;

const equal: Comparison = (actual, wanted) => compareValues(actual, wanted) === 0;
/** Values of another type are neither smaller nor larger. */
const ranged =
  (holds: (order: number) => boolean): Comparison =>
  (actual, wanted) =>
    sameType(actual, wanted) && holds(compareValues(actual, wanted));
const anyOf: Comparison = (actual, wanted) => elements(wanted).some((value) => equal(actual, value));
const contains: Comparison = (actual, wanted) =>
  actual.valueType === 'arrayValue' && elements(actual).some((value) => equal(value, wanted));
const isNull: Comparison = (actual) => actual.valueType === 'nullValue';

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  EQUAL: equal,
  LESS_THAN: ranged((order) => order < 0),
  LESS_THAN_OR_EQUAL: ranged((order) => order <= 0),
  GREATER_THAN: ranged((order) => order > 0),
  GREATER_THAN_OR_EQUAL: ranged((order) => order >= 0),
  IN: anyOf,
  ARRAY_CONTAINS: contains,
  ARRAY_CONTAINS_ANY: (actual, wanted) => elements(wanted).some((value) => contains(actual, value)),
  // Null is neither equal to anything nor different from it.
  NOT_EQUAL: (actual, wanted) => !isNull(actual, wanted) && !equal(actual, wanted),
  NOT_IN: (actual, wanted) =>
    !isNull(actual, wanted) &&
    !anyOf(actual, wanted) &&
    !elements(wanted).some((value) => isNull(value, value)),
};

export function elements(value: Value): readonly Value[] {
  return value.valueType === 'arrayValue' ? value.arrayValue.values : [];
}

/** @throws StatusError INVALID_ARGUMENT for a filter that is incomplete. */
export function conditionOf(filter: Filter): Condition {
  const { fieldFilter, unaryFilter } = filter;
  const unary = unaryFilter && UNARY[unaryFilter.op];
  const fieldPath = (fieldFilter ?? unaryFilter)?.field?.fieldPath;
  const value = fieldFilter?.value ?? unary?.value;
  const op = fieldFilter?.op ?? unary?.op;
  if (fieldPath === undefined || value?.valueType === undefined || op === undefined || !COMPARISONS[op]) {
    throw invalid('A filter needs a field, an operator that exists, and a value.');
  }
  return { fieldPath, op, value };
}

export function compileFilter(filter: Filter | null): Predicate {
  if (filter === null) return () => true;
  if (filter.compositeFilter === undefined) return compileCondition(conditionOf(filter));
  const parts = filter.compositeFilter.filters.map(compileFilter);
  return filter.compositeFilter.op === 'OR'
    ? (document) => parts.some((part) => part(document))
    : (document) => parts.every((part) => part(document));
}

function compileCondition({ fieldPath, op, value }: Condition): Predicate {
  const holds = COMPARISONS[op] as Comparison;
  if (fieldPath === DOCUMENT_NAME) {
    return ({ name }) => holds({ valueType: 'referenceValue', referenceValue: name }, value);
  }
  const path = parseFieldPath(fieldPath);
  return ({ fields }) => {
    const actual = fieldAt(fields, path);
    return actual !== undefined && holds(actual, value);
  };
}

/** The conditions that every match satisfies: those joined by AND alone. */
export function requiredConditions(filter: Filter | null): Condition[] {
  if (filter === null) return [];
  const { compositeFilter } = filter;
  if (compositeFilter === undefined) return [conditionOf(filter)];
  if (compositeFilter.op === 'OR' && compositeFilter.filters.length > 1) return [];
  return compositeFilter.filters.flatMap(requiredConditions);
}

/** Every condition anywhere in the filter. */
export function allConditions(filter: Filter | null): Condition[] {
  if (filter === null) return [];
  const { compositeFilter } = filter;
  return compositeFilter === undefined
    ? [conditionOf(filter)]
    : compositeFilter.filters.flatMap(allConditions);
}
