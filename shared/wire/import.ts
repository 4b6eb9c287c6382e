/** The ledger of the DataTools system: one JSON object a line, as its mint wrote it, and what became of each line. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { customerId } from './customers.ts';

/** Two writes a line, and those of the audit trail: below the 500 that one commit of Firestore takes. */
export const MAX_IMPORT_LINES = 200;

const text = z.string().min(1).max(MAX_STRING_LENGTH);
/** RFC 3339, or without an offset, as Python's `utcnow().isoformat()` writes UTC. */
const instant = z.iso.datetime({ offset: true, local: true });

export const ledgerLine = z.object({
  license_key: text,
  name: text,
  email: text,
  tier: z.enum(['lite', 'core', 'pro']),
  issued_at: instant,
  expires_at: instant.nullable(),
  /** The licence as the buyer has it: `DTLIC2:…`. */
  blob: z.string().min(1),
});

export type LedgerLine = z.infer<typeof ledgerLine>;

export const importRequest = z
  .object({
    lines: z.array(z.string()).min(1).max(MAX_IMPORT_LINES),
    /** Whose licences they become. The ledger knows buyers only, who are the holders. */
    customer_id: customerId.default('datatools'),
    product: text.default('datatools'),
  })
  .meta({
    id: 'ImportRequest',
    example: {
      lines: [
        '{"license_key":"DT1-CORE-5dd8e1db-d90c4656","name":"Ada","email":"ada@example.com","tier":"core","issued_at":"2025-12-02T03:04:05+00:00","expires_at":null,"blob":"DTLIC2:…"}',
      ],
    },
  });

export type ImportRequest = z.infer<typeof importRequest>;

export const importedLine = z.object({
  /** Of the line in the request, from 0. */
  index: z.int(),
  /** `known`: it was there, just so. */
  outcome: z.enum(['added', 'known', 'refused']),
  /** Why it was refused. */
  reason: z.string().nullable(),
  /** Of an added one: whether a key that is listed here has verified its signature. */
  verified: z.boolean().nullable(),
});

export type ImportedLine = z.infer<typeof importedLine>;

export const importResponse = z
  .object({ added: z.int(), known: z.int(), refused: z.int(), results: z.array(importedLine) })
  .meta({ id: 'ImportResponse' });

export type ImportResponse = z.infer<typeof importResponse>;
