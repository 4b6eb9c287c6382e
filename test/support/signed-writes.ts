/**
 * Every write of an operator that has something signed: what it needs first, how it is sent, and what the audit trail tells of
 * it.
 *
 * ```ts
 * const send = await SIGNED_WRITES.renewal.arrange(desk);
 * expect((await send()).status).toBe(200);
 * ```
 */
import { HOLDER, LIMITS, type LicenseDesk, of } from './license-desk.ts';
import type { Answer } from './service.ts';

export type Send = (headers?: Readonly<Record<string, string>>) => Promise<Answer>;

interface SignedWrite {
  readonly status: number;
  readonly told: readonly string[];
  /** Sends the same request each time. Licences are of the customer `acme-gmbh`. */
  arrange(desk: LicenseDesk): Promise<Send>;
}

/** Ed25519 and RSA. */
const TWO_FORMATS = { formats: ['aegis', 'caio-v2'], limits: LIMITS };
const ALL_FORMATS = { formats: ['aegis', 'caio-v2', 'dtlic2'], limits: LIMITS, holder: HOLDER };

const change =
  (method: string, more: string, body: object, wanted: object = TWO_FORMATS): SignedWrite['arrange'] =>
  async ({ issued, operator }) => {
    const { id } = await issued(wanted);
    return (headers) => operator(method, of(id, more), body, headers);
  };

const told = (action: string, documents: number) => [
  ...(action === '' ? [] : [action]),
  ...Array<string>(documents).fill('documents.issue'),
];

export const SIGNED_WRITES = {
  issue: {
    status: 201,
    told: told('licenses.issue', 3),
    arrange: async ({ issue }) => {
      const wanted = { ...ALL_FORMATS, notes: crypto.randomUUID() };
      return (headers) => issue(wanted, headers);
    },
  },
  renewal: {
    status: 200,
    told: told('licenses.renew', 2),
    arrange: change('POST', '/renew', { duration_days: 10 }),
  },
  change: {
    status: 200,
    told: told('licenses.change', 1),
    arrange: change('PATCH', '', { allowed_major_versions: [18] }),
  },
  transfer: {
    status: 200,
    told: told('licenses.transfer', 2),
    arrange: change('POST', '/transfer', { customer_id: 'other-co' }),
  },
  document: {
    status: 201,
    told: told('', 1),
    arrange: change('POST', '/documents', { format: 'caio-v2' }, { limits: LIMITS }),
  },
} satisfies Record<string, SignedWrite>;

export const SIGNED_WRITE_ROWS = Object.entries<SignedWrite>(SIGNED_WRITES);
