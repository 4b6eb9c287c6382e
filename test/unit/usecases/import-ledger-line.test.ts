/** A line of the old ledger and the key of its blob. */
import { expect, test } from 'vitest';
import type { BarredKey, VerificationKey } from '../../../shared/client/verify.ts';
import { LineRefused, readLedgerLine } from '../../../shared/usecases/import-ledger-line.ts';
import { dtlic2Of } from '../../support/issued-licenses.ts';
import { ledgerLine, ledgerTerms } from '../../support/ledger.ts';
import { base64url, ED, keys, trusted } from '../../support/signed-documents.ts';

const own = trusted.find(({ kid }) => kid === keys[ED].kid) as VerificationKey;

const outcomeOf = async (line: string, key: VerificationKey | BarredKey | undefined) => {
  try {
    const known = { find: async (kid: string) => (kid === own.kid ? key : undefined), all: async () => [] };
    return (await readLedgerLine(line, known)).verified;
  } catch (error) {
    if (error instanceof LineRefused) return error.message;
    throw error;
  }
};

const terms = ledgerTerms(1);
const [, genuine = ''] = /"blob":"DTLIC2:([^.]+)/.exec(ledgerLine(terms)) ?? [];
const forged = ledgerLine(terms, { blob: `DTLIC2:${genuine}.${base64url(new Uint8Array(64).fill(7))}` });

test('a key that is listed for the system has verified a genuine blob', async () => {
  expect(
    await outcomeOf(ledgerLine(terms), { ...own, issuer: 'datatools', state: 'retiring', sunsetAt: 1 }),
  ).toBe(true);
  expect(await outcomeOf(ledgerLine(terms), own)).toBe(true);
});

test('and refuses a forged one', async () => {
  expect(await outcomeOf(forged, own)).toBe('The signature of the blob is not that of its key.');
});

test('without a key that vouches for such licences nothing is verified, and the line is taken', async () => {
  expect(await outcomeOf(forged, undefined)).toBe(false);
  expect(await outcomeOf(forged, { ...own, issuer: 'caio' })).toBe(false);
  const barred = { kid: own.kid, algorithm: own.algorithm, state: 'compromised' } as unknown as BarredKey;
  expect(await outcomeOf(forged, barred)).toBe(false);
});

test.each(['a/b', '../up', '', 'x'.repeat(129), 'ключ'])(
  'a kid that is no part of a path is refused: %j',
  async (kid) => {
    const blob = dtlic2Of(ED, JSON.stringify({ ...terms, kid }));
    expect(await outcomeOf(ledgerLine(terms, { blob }), own)).toEqual(expect.any(String));
  },
);
