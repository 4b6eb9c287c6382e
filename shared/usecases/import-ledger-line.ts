/**
 * One line of the old ledger: what it says, checked against the licence that it holds. Reasons of refusals name members and
 * never their values, which are names and addresses.
 */

import { parseStrictJson } from '../canonical/strict-json.ts';
import { isGenuine } from '../client/verify.ts';
import { CountersignError } from '../errors.ts';
import { dtlic2 } from '../formats/dtlic2.ts';
import { DocumentError } from '../formats/format.ts';
import type { DecodedLicense } from '../formats/issued.ts';
import { type LedgerLine, ledgerLine } from '../wire/import.ts';
import { epochMilliseconds } from '../wire/instant.ts';
import { IMPLIED_ISSUERS } from '../wire/issued.ts';
import type { ImportedKeys } from './imported-keys.ts';

/** A line that agrees with its licence. Times are milliseconds since the epoch. */
export interface LedgerEntry {
  readonly line: LedgerLine;
  readonly issuedAt: number;
  readonly expiresAt: number | null;
  readonly kid: string;
  /** Whether a key that is listed here has verified the signature; false where none could. */
  readonly verified: boolean;
}

/** Why a line is not taken, as a sentence. */
export class LineRefused extends Error {}

/** It becomes part of a path: thumbprints and names, and nothing that ends a segment. */
const KID = /^[A-Za-z0-9._-]{1,128}$/;

/** @throws LineRefused, CountersignError `signing_unavailable` when the key of the licence cannot be read now */
export async function readLedgerLine(text: string, keys: ImportedKeys): Promise<LedgerEntry> {
  const line = parseLine(text);
  const decoded = decodeBlob(line.blob);
  const different = differences(line, decoded);
  if (different.length > 0) throw new LineRefused(`The blob says otherwise of: ${different.join(', ')}.`);
  const kid = String(decoded.kid);
  if (!KID.test(kid))
    throw new LineRefused('The kid of the blob has other characters than A-Z a-z 0-9 . _ -');
  const { issuedAt, expiresAt } = decoded.license;
  return { line, issuedAt, expiresAt, kid, verified: await verify(decoded, kid, keys) };
}

function parseLine(text: string): LedgerLine {
  const { success, data, error } = ledgerLine.safeParse(parseJson(text));
  if (success) return data;
  const members = new Set(error.issues.map(({ path }) => path.join('.')));
  throw new LineRefused(
    members.has('') ? 'It is no JSON object.' : `Missing or wrong: ${[...members].join(', ')}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return parseStrictJson(text);
  } catch (error) {
    if (error instanceof CountersignError) throw new LineRefused(error.message, { cause: error });
    throw error;
  }
}

function decodeBlob(blob: string): DecodedLicense {
  try {
    return dtlic2.decode(blob);
  } catch (error) {
    if (error instanceof DocumentError) throw new LineRefused(error.message, { cause: error });
    throw error;
  }
}

function differences(line: LedgerLine, { license }: DecodedLicense): string[] {
  const said: Readonly<Record<string, readonly [unknown, unknown]>> = {
    license_key: [line.license_key, license.licenseId],
    name: [line.name, license.customer.name],
    email: [line.email, license.customer.email],
    tier: [line.tier, license.licenseType],
    issued_at: [epochMilliseconds(line.issued_at), license.issuedAt],
    expires_at: [line.expires_at === null ? null : epochMilliseconds(line.expires_at), license.expiresAt],
  };
  return Object.entries(said).flatMap(([member, [inLine, inBlob]]) => (inLine === inBlob ? [] : [member]));
}

/**
 * A key that is not listed, or barred, cannot tell: the line is taken all the same, because a stored document is believed
 * by nobody without its key.
 */
async function verify(decoded: DecodedLicense, kid: string, keys: ImportedKeys): Promise<boolean> {
  const key = await keys.find(kid);
  if (key?.key === undefined) return false;
  if (key.issuer !== undefined && key.issuer !== IMPLIED_ISSUERS.dtlic2) return false;
  if (decoded.claims(key.algorithm) && (await isGenuine(decoded, key))) return true;
  throw new LineRefused('The signature of the blob is not that of its key.');
}
