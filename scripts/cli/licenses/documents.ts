/** The documents of a licence that are on record. */
import type { AdminClient, LicenseDocument } from '../../../shared/client/admin-client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { answer, type OutputOptions, print, writeOwnerOnly } from '../output.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';

export interface DocumentsOptions extends OutputOptions {
  readonly format?: string;
}

export interface DeliverOptions extends DocumentsOptions {
  readonly output?: string;
}

export async function listDocuments(id: string, options: DocumentsOptions): Promise<void> {
  const found = await openService().licenses.documents(id, { format: options.format });
  answer(options, found, () => {
    const rows = found.documents.map(({ format, key_id, issued_at }) => [format, key_id, issued_at]);
    return table(['FORMAT', 'KEY', 'ISSUED'], rows);
  });
}

export async function deliverDocument(id: string, options: DeliverOptions): Promise<void> {
  const found = await newestDocument(openService(), id, options.format);
  if (options.output === undefined) {
    answer(options, found, () => found.document);
    return;
  }
  writeOwnerOnly(options.output, `${found.document}\n`);
  const { document: _, ...rest } = found;
  print(
    options.json
      ? JSON.stringify({ ...rest, output: options.output })
      : `The ${found.format} document of ${id} is in ${options.output}.`,
  );
}

/** @throws OperatorError when there is none, or it takes a format to tell which */
export async function newestDocument(
  { licenses }: AdminClient,
  id: string,
  format: string | undefined,
): Promise<LicenseDocument> {
  const { documents } = await licenses.documents(id, { format });
  const formats = new Set(documents.map((document) => document.format));
  if (formats.size > 1)
    throw new OperatorError(
      `${id} has documents in several formats: ${[...formats].join(', ')}. Give --format.`,
    );
  const newest = documents.reduce<LicenseDocument | undefined>(
    (best, document) => (best !== undefined && issuedAt(best) >= issuedAt(document) ? best : document),
    undefined,
  );
  if (newest === undefined) throw new OperatorError(`${id} has no such document on record.`);
  return newest;
}

const issuedAt = ({ issued_at }: LicenseDocument) => Date.parse(issued_at);
