/** Reads records, checked against their schemas: a document that this product did not write stops here. */
import type { z } from 'zod';
import { CountersignError } from '../errors.ts';
import type { Snapshot } from '../ports/document-store.ts';
import type { Versioned } from '../records/versioned.ts';

export function readRecord<T>(
  schema: z.ZodType<T>,
  snapshot: Snapshot | undefined,
): Versioned<T> | undefined {
  if (snapshot === undefined) return undefined;
  const parsed = schema.safeParse(snapshot.fields);
  if (parsed.success) return { record: parsed.data, version: snapshot.version };
  throw new CountersignError(
    'store_unavailable',
    'A stored record is damaged. The operator has to repair it.',
    {
      cause: new Error(`the record at ${snapshot.path} does not fit its schema`, { cause: parsed.error }),
    },
  );
}

/** Undefined for a record that is absent or damaged; `onDamage` is told why. */
export function readOr<T>(
  schema: z.ZodType<T>,
  snapshot: Snapshot | undefined,
  onDamage: (error: unknown) => void,
): Versioned<T> | undefined {
  try {
    return readRecord(schema, snapshot);
  } catch (error) {
    onDamage(error);
    return undefined;
  }
}

/** Paths of records that cannot be read; absent when all can. */
export interface Damage {
  readonly damaged?: readonly string[];
}

export interface ReadList<T> {
  readonly items: readonly { readonly path: string; readonly record: T }[];
  readonly damage: Damage;
}

/** The records of a list. One that cannot be read hides none of the others, and is named: nobody is to take them for all. */
export function readList<T>(schema: z.ZodType<T>, snapshots: readonly Snapshot[]): ReadList<T> {
  const read = snapshots.map(({ path, fields }) => ({ path, ...schema.safeParse(fields) }));
  const damaged = read.flatMap(({ path, success }) => (success ? [] : [path]));
  return {
    items: read.flatMap(({ path, data }) => (data === undefined ? [] : [{ path, record: data }])),
    damage: damaged.length === 0 ? {} : { damaged },
  };
}
