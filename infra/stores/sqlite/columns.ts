/** Where a query reads the fields that it compares and orders by: in the documents, or in the copies of an order table. */
import { documentId } from '../../../shared/ports/document-store.ts';
import { FIELD_INDEXES } from '../indexes.ts';
import { type CheckedQuery, type Condition, isInequality } from '../validate.ts';
import { inGroup, rankExpression, textExpression, valueExpression } from './field-expressions.ts';
import {
  hasColumn,
  ORDER_TABLES,
  type OrderTable,
  rankColumn,
  selectiveIndex,
  textColumn,
  valueColumn,
} from './order-tables.ts';

export interface Columns {
  /** What follows FROM. */
  readonly from: string;
  /** Undefined where a field is kept as rank and value only. */
  text(field: string): string | undefined;
  rank(field: string): string;
  value(field: string): string;
  hasField(field: string): string;
  /** What an index over this group demands, in a query of one of its collections. */
  inGroup(group: string): string | undefined;
}

const INDEXED_GROUPS: ReadonlySet<string> = new Set(
  FIELD_INDEXES.map(({ collectionGroup }) => collectionGroup),
);

export const DOCUMENTS: Columns = {
  from: 'documents',
  text: textExpression,
  rank: rankExpression,
  value: valueExpression,
  hasField: (field) => `${rankExpression(field)} IS NOT NULL`,
  // Says nothing new, but an index over this group serves only a query that spells it out.
  inGroup: (group) => (INDEXED_GROUPS.has(group) ? inGroup(group) : undefined),
};

/** Whatever the order, a count reads the table that begins where a condition does. */
export function columnsToCount(query: CheckedQuery): Columns {
  const tables = tablesOf(query);
  const compared = tables.find(({ ordered }) => query.where.some(({ field }) => field === ordered));
  return copiesIn(compared ?? tables[0], query);
}

/** The copies, joined with their documents. */
export function columnsToList(query: CheckedQuery): Columns {
  const [first, ...rest] = query.order;
  const isById = rest.length === 0;
  const table = tablesOf(query).find((each) =>
    isById ? selectedBy(each, query) !== undefined : each.ordered === first?.field,
  );
  if (table === undefined || rest.length > 1) return DOCUMENTS;
  const copies = copiesIn(table, query);
  // CROSS: the order table is walked, in its order, and documents are looked up only for what fits.
  return { ...copies, from: `${copies.from} CROSS JOIN documents USING (collection, id)` };
}

/** The tables that have all that the query compares. */
function tablesOf({ source, where }: CheckedQuery): readonly OrderTable[] {
  if ('group' in source) return [];
  const group = documentId(source.collection);
  return ORDER_TABLES.filter((table) => table.group === group && where.every((each) => hasCopy(table, each)));
}

function hasCopy({ equal, orders }: OrderTable, condition: Condition): boolean {
  const { field, comparison, value } = condition;
  if (equal.includes(field)) return comparison === '==' || comparison === 'in';
  if (!orders.includes(field)) return false;
  return isInequality(condition) || (comparison === '==' && (typeof value !== 'object' || value === null));
}

function copiesIn(table: OrderTable | undefined, query: CheckedQuery): Columns {
  if (table === undefined) return DOCUMENTS;
  const selected = selectedBy(table, query);
  // Named, since SQLite does not know that few documents share a value, and walks the whole table instead.
  const index = selected === undefined ? '' : ` INDEXED BY "${selectiveIndex(table, selected)}"`;
  return {
    from: `"${table.name}"${index}`,
    text: (field) => (table.equal.includes(field) ? textColumn(field) : undefined),
    rank: rankColumn,
    value: valueColumn,
    hasField: hasColumn,
    inGroup: () => undefined,
  };
}

function selectedBy({ selective }: OrderTable, { where }: CheckedQuery): string | undefined {
  return selective.find((name) =>
    where.some(({ field, comparison }) => field === name && comparison === '=='),
  );
}
