/**
 * `licenses/{L}/documents/{format}_{kid}`: a licence as it was issued in one format by one key, kept as it was handed out.
 * At most one of a format and a key, by its path.
 */
import { z } from 'zod';
import type { IssuedFormatName } from '../wire/issued.ts';
import { instant } from './instant.ts';

const FORMAT_NAMES = ['aegis', 'caio-v1', 'caio-v2', 'dtlic2'] as const satisfies readonly IssuedFormatName[];

export const documentRecord = z.object({
  license_id: z.string(),
  customer_id: z.string(),
  format: z.enum(FORMAT_NAMES),
  kid: z.string(),
  /** The document, as the customer has it. */
  text: z.string(),
  issued_at: instant,
  /** The kid of the document that it stands in for; null of a first one. */
  replaces: z.string().nullable(),
});

export type DocumentRecord = z.infer<typeof documentRecord>;
