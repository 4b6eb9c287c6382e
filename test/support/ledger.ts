/**
 * Lines of an old ledger, as its mint wrote them, signed by the Ed25519 key of `signed-documents.ts`.
 *
 * ```ts
 * ledgerLine(ledgerTerms(1), { email: 'else@example.com' }); // says another address than its blob
 * ```
 */
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { dtlic2Terms, seal } from './issued-licenses.ts';

export type LedgerTerms = ReturnType<typeof dtlic2Terms>;

/** Terms of the nth licence of a ledger. */
export function ledgerTerms(n: number, overrides: Partial<LedgerTerms> = {}): LedgerTerms {
  const key = n.toString(16).padStart(8, '0');
  return dtlic2Terms({
    license_key: `DT1-CORE-${key}-d90c4656`,
    name: `Zoë Müller ${n}`,
    email: `Zoe.${n}@Example.com`,
    ...overrides,
  });
}

export function ledgerLine(terms: LedgerTerms, overrides: object = {}): string {
  return JSON.stringify({ ...terms, blob: seal(dtlic2, terms), ...overrides });
}
