/**
 * Which queries need an index that is not there.
 *
 * An index serves a query if it has, in this order: fields that the query fixes with an equality (in either
 * direction), the fields of its order in the same directions, and `__name__`. Several indexes may share the work when
 * each ends with the whole order and together they have every fixed field. Indexes are read forwards only: Google's
 * "Index overview" asks for another index for the opposite order, and `ORDER BY __name__ DESC` alone is refused for
 * want of one (firebase/flutterfire issue 4398).
 */

import { DOCUMENT_NAME } from './field-paths.ts';
import type { Condition } from './filters.ts';
import { createIndexCatalog, type IndexConfiguration, type IndexDefinition } from './index-catalog.ts';
import { completeOrder } from './query-order.ts';
import { disjunctionsOf } from './query-rules.ts';
import type { SortKey } from './sort.ts';
import { StatusError } from './status.ts';
import type { StructuredQuery } from './wire.ts';

export interface IndexRules {
  /**
   * `aggregated` are the fields that sum and avg need.
   *
   * @throws StatusError FAILED_PRECONDITION when an index is missing.
   */
  check(query: StructuredQuery, aggregated: readonly string[]): void;
}

/** What one alternative of a query asks of the indexes. */
interface Need {
  readonly equal: ReadonlySet<string>;
  readonly contains: ReadonlySet<string>;
  readonly order: readonly SortKey[];
  /** In any order and direction, after the order. */
  readonly aggregated: ReadonlySet<string>;
  /** Undefined where it does not matter. */
  readonly nameDescending: boolean | undefined;
}

export function createIndexRules(configuration: IndexConfiguration | undefined): IndexRules {
  if (configuration === undefined) return { check: () => {} };
  const catalog = createIndexCatalog(configuration);
  return {
    check(query, aggregated) {
      const { collectionId = '', allDescendants = false } = query.from[0] ?? {};
      const scope = allDescendants ? 'COLLECTION_GROUP' : 'COLLECTION';
      const order = completeOrder(query);
      for (const conditions of disjunctionsOf(query.where)) {
        const need = needOf(conditions, order, aggregated);
        if (isServed(need, catalog.indexesFor(collectionId, scope, fieldsOf(need)))) continue;
        throw new StatusError(
          'FAILED_PRECONDITION',
          `The query requires an index. It is not in the configuration: ${collectionId}, ${scope}: ${describe(need)}.`,
        );
      }
    },
  };
}

function needOf(
  conditions: readonly Condition[],
  fullOrder: readonly SortKey[],
  aggregatedFields: readonly string[],
): Need {
  const fieldsWith = (wanted: string) =>
    new Set(
      conditions
        .filter(({ op, fieldPath }) => op === wanted && fieldPath !== DOCUMENT_NAME)
        .map((condition) => condition.fieldPath),
    );
  const equal = fieldsWith('EQUAL');
  // Names are unique: nothing is ordered by what comes after them.
  const namePosition = fullOrder.findIndex(({ fieldPath }) => fieldPath === DOCUMENT_NAME);
  const order = fullOrder.slice(0, namePosition).filter(({ fieldPath }) => !equal.has(fieldPath));
  const ordered = new Set(order.map(({ fieldPath }) => fieldPath));
  const aggregated = new Set(aggregatedFields.filter((field) => !equal.has(field) && !ordered.has(field)));
  return {
    equal,
    contains: fieldsWith('ARRAY_CONTAINS'),
    order,
    aggregated,
    nameDescending: aggregatedFields.length > 0 ? undefined : fullOrder[namePosition]?.descending,
  };
}

function fieldsOf({ equal, contains, order, aggregated }: Need): Set<string> {
  return new Set([...equal, ...contains, ...order.map(({ fieldPath }) => fieldPath), ...aggregated]);
}

/** Together, the indexes that end with the whole order must have every fixed field. */
function isServed(need: Need, indexes: readonly IndexDefinition[]): boolean {
  const useful = indexes.filter((index) => hasShape(need, index));
  const has = (field: string, array: boolean) =>
    useful.some(({ fields }) =>
      fields.some(
        ({ fieldPath, arrayConfig }) => fieldPath === field && (arrayConfig !== undefined) === array,
      ),
    );
  return (
    useful.length > 0 &&
    [...need.equal].every((field) => has(field, false)) &&
    [...need.contains].every((field) => has(field, true))
  );
}

/** Some of the fixed fields, then all of the order, then what is aggregated, then the name. */
function hasShape(need: Need, { fields, nameDescending }: IndexDefinition): boolean {
  const fixed = fields.length - need.order.length - need.aggregated.size;
  if (fixed < 0 || (need.nameDescending ?? nameDescending) !== nameDescending) return false;
  const prefixFits = fields
    .slice(0, fixed)
    .every(({ fieldPath, arrayConfig }) => (arrayConfig ? need.contains : need.equal).has(fieldPath));
  const orderFits = need.order.every(({ fieldPath, descending }, index) => {
    const field = fields[fixed + index];
    return field?.fieldPath === fieldPath && field.order === (descending ? 'DESCENDING' : 'ASCENDING');
  });
  const rest = fields.slice(fixed + need.order.length);
  return prefixFits && orderFits && rest.every(({ fieldPath }) => need.aggregated.has(fieldPath));
}

function describe(need: Need): string {
  const parts = [
    ...[...need.contains].map((field) => `${field} CONTAINS`),
    ...[...need.equal].map((field) => `${field} (any direction)`),
    ...need.order.map(
      ({ fieldPath, descending }) => `${fieldPath} ${descending ? 'DESCENDING' : 'ASCENDING'}`,
    ),
    ...[...need.aggregated].map((field) => `${field} (any direction)`),
  ];
  if (need.nameDescending !== undefined) {
    parts.push(`${DOCUMENT_NAME} ${need.nameDescending ? 'DESCENDING' : 'ASCENDING'}`);
  }
  return parts.join(', ');
}
