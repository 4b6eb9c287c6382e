/** The documents of a licence that are on record. */
import type { AdminClient, DocumentsFilter, LicenseDocument } from '../../../shared/client/admin-client.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import type { DeliverRequest, DeliverResponse } from '../../../shared/wire/deliver.ts';
import { answer, type OutputOptions, print, writeOwnerOnly } from '../output.ts';
import { givenKey, type KeyOptions } from '../secret-input.ts';
import { openService } from '../service.ts';
import { table } from '../table.ts';

export interface DocumentsOptions extends OutputOptions {
  readonly format?: string;
}

export interface DeliverOptions extends DocumentsOptions {
  readonly output?: string;
  /** True is the address of the licence. */
  readonly email?: string | true;
  /** Also what would not be sent: of a licence that does not hold, of a key that is over, of a former customer. */
  readonly anyway?: boolean;
}

export interface IssueDocumentOptions extends OutputOptions, KeyOptions {
  readonly format: DeliverRequest['format'];
}

export async function listDocuments(id: string, options: DocumentsOptions): Promise<void> {
  const found = await openService().licenses.documents(id, { format: options.format });
  answer(options, found, () => {
    const rows = found.documents.map(({ format, key_id, issued_at }) => [format, key_id, issued_at]);
    return table(['FORMAT', 'KEY', 'ISSUED'], rows);
  });
}

export async function issueDocument(id: string, options: IssueDocumentOptions): Promise<void> {
  const key = await givenKey(options);
  const request = { format: options.format, ...(key !== undefined && { license_key: key }) };
  const issued = await openService().licenses.issueDocument(id, request);
  answer(options, issued, () => issued.document);
}

export async function deliverDocument(id: string, options: DeliverOptions): Promise<void> {
  const service = openService();
  const found = await newestDocument(service, id, { format: options.format, deliverable: !options.anyway });
  if (options.email !== undefined) {
    await sendDocument(service, found, options);
    return;
  }
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

/** @throws OperatorError when nothing was sent, or nobody knows; scripts see the exit code */
async function sendDocument(
  { licenses }: AdminClient,
  { license_id: id, format }: LicenseDocument,
  { email, ...options }: DeliverOptions,
): Promise<void> {
  // Whoever reads the answer has the format of the document that was found: one of those that are issued, or it is refused.
  const request = {
    format: format as DeliverRequest['format'],
    ...(typeof email === 'string' && { to: email }),
  };
  const delivered = await licenses.deliver(id, request);
  const { reason } = delivered;
  if (options.json || reason === null)
    answer(options, delivered, () => `The ${format} document of ${id} is on its way.`);
  if (reason !== null) throw new OperatorError(NOT_SENT[reason]);
}

const NOT_SENT: Readonly<Record<NonNullable<DeliverResponse['reason']>, string>> = {
  smtp_not_configured:
    'Nothing was sent: the service has no mail server (SMTP_URL). Write it to a file with --output.',
  outcome_unknown:
    'It may have been sent: the mail server took it and did not say what became of it. Ask the one who should have it.',
};

/** @throws OperatorError when there is none, or it takes a format to tell which */
export async function newestDocument(
  { licenses }: AdminClient,
  id: string,
  wanted: DocumentsFilter,
): Promise<LicenseDocument> {
  const { documents } = await licenses.documents(id, wanted);
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
