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
