/**
 * How SQL sees a field and a group. An index over an expression serves a query only if both spell the expression
 * alike, so both take it from here. Changing a spelling needs a new index name (`create-indexes.ts`).
 *
 * Field paths were checked by `validate.ts` (ASCII letters, digits, `_`, dots): nothing else reaches SQL text.
 *
 * `row` is a document's row where a column's name alone does not say which: `OLD.` in a trigger.
 */

/** The port's order of types. Arrays and maps, on which it is silent, come last as in Firestore. */
export const RANK = { null: 0, boolean: 1, number: 2, string: 3, array: 4, map: 5 } as const;

/** The type's place in the order; NULL exactly if the field is missing. */
export function rankExpression(field: string, row = ''): string {
  return (
    `CASE json_type(${row}fields, ${jsonPath(field)})` +
    ` WHEN 'null' THEN ${RANK.null} WHEN 'false' THEN ${RANK.boolean} WHEN 'true' THEN ${RANK.boolean}` +
    ` WHEN 'integer' THEN ${RANK.number} WHEN 'real' THEN ${RANK.number} WHEN 'text' THEN ${RANK.string}` +
    ` WHEN 'array' THEN ${RANK.array} WHEN 'object' THEN ${RANK.map} END`
  );
}

/** Orders values of one rank: numbers by size, strings by UTF-8 bytes (the BINARY collation). */
export function valueExpression(field: string, row = ''): string {
  return `json_extract(${row}fields, ${jsonPath(field)})`;
}

/** The field's canonical JSON text (`encoding.ts`); NULL if missing. */
export function textExpression(field: string, row = ''): string {
  return `(${row}fields -> ${jsonPath(field)})`;
}

/**
 * Whether the last segment of `collection` is this one. Spelled as bytes: SQLite's text functions stop at the
 * character U+0000, which ids may contain, and hexadecimal digits need no quoting.
 */
export function inGroup(group: string, row = ''): string {
  const ending = Buffer.from(`/${group}`);
  return `substr(CAST('/' || ${row}collection AS BLOB), -${ending.length}) = x'${ending.toString('hex')}'`;
}

export function jsonPath(field: string): string {
  return `'$${field
    .split('.')
    .map((name) => `."${name}"`)
    .join('')}'`;
}
