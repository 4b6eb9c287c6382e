/** The ledger of the DataTools system: one JSON object a line, as its mint wrote it, and what became of each line. */
import { z } from 'zod';
import { customerId } from './customers.ts';
import { IMPORT } from './examples/operators.ts';
import { LEDGER_LINE } from './examples/values.ts';
import { instantOrUtc as instant } from './instant.ts';
import { text } from './text.ts';

/** Two writes a line, and those of the audit trail: below the 500 that one commit of Firestore takes. */
export const MAX_IMPORT_LINES = 200;

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
    lines: z
      .array(z.string())
      .min(1)
      .max(MAX_IMPORT_LINES)
      .meta({ description: 'Lines of the ledger, a JSON object each, as they stand in the file.' }),
    customer_id: customerId.default('datatools').meta({
      description: 'Whose licences they become. The ledger knows buyers only, who are the holders.',
    }),
    product: text.default('datatools'),
    require_verified: z.boolean().default(false).meta({
      description: 'Refuses lines whose signature no key that is listed here has verified.',
    }),
  })
  .meta({
    id: 'ImportRequest',
    example: { lines: [LEDGER_LINE] },
  });

export type ImportRequest = z.infer<typeof importRequest>;

export const importedLine = z.object({
  index: z.int().meta({ description: 'Of the line in the request, from 0.' }),
  outcome: z.enum(['added', 'known', 'refused']).meta({ description: '`known`: it was there, just so.' }),
  reason: z.string().nullable().meta({ description: 'Why it was refused.' }),
  verified: z.boolean().nullable().meta({
    description: 'Whether a key that is listed here has verified its signature; null of a refused one.',
  }),
});

export type ImportedLine = z.infer<typeof importedLine>;

export const importResponse = z
  .object({
    added: z.int(),
    known: z.int(),
    refused: z.int(),
    unverified: z.int().meta({
      description:
        'Of the added and known: those whose signature nothing here could verify. Our keys sign none of them anew.',
    }),
    results: z.array(importedLine),
  })
  .meta({ id: 'ImportResponse', example: IMPORT });

export type ImportResponse = z.infer<typeof importResponse>;
