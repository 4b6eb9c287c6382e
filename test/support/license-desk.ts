/**
 * An operator's desk in tests of licences: two customers, operators, and short forms of what they do.
 *
 * ```ts
 * const { issued, operator, openDesk } = deskOn(() => service); // before the service is started
 * beforeAll(openDesk);
 * ```
 */
import { expect } from 'vitest';
import { SCOPE_NAMES } from '../../shared/access/scopes.ts';
import type { Fields, Snapshot } from '../../shared/ports/document-store.ts';
import { sessionsPath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from './admin-calls.ts';
import type { Answer, TestService } from './service.ts';
import { steadyKey } from './steady-key.ts';

export const DAY = 86_400_000;

export const SUBSCRIPTION = {
  customer_id: 'acme-gmbh',
  module_name: 'sale_forecast',
  allowed_major_versions: [16, 17],
  license_type: 'subscription',
  duration_days: 365,
};
export const LIMITS = { max_instances: 2, max_services: 3, max_requests_per_day: 4000 };
export const HOLDER = { name: '山田 Ζωή Ада Ada', email: 'Ada@Example.com' };

export interface LicenseDesk {
  /** Creates the customers `acme-gmbh` and `other-co`; to be done first. */
  openDesk(): Promise<void>;
  operator: AdminCall;
  /** Who may touch the customer `acme-gmbh` only. */
  acme: AdminCall;
  /** Asks for `SUBSCRIPTION` with these changes. */
  issue(wanted?: object, headers?: Record<string, string>): Promise<Answer>;
  /** The body of the answer to one that must succeed. */
  issued(wanted?: object): Promise<Answer['body']>;
  /** What the audit trail holds about the target, oldest first. */
  events(target: string): Promise<Fields[]>;
  sessionsOf(licenseKey: string): Promise<Snapshot[]>;
}

export const of = (id: string, more = '') => `/api/v1/licenses/${id}${more}`;
export const refusal = ({ status, body }: Answer) => [status, body.code];

let keys = 0;
export const freshKey = () => ({ 'idempotency-key': `key-${keys++}` });

/** `started` is asked at every call: tests are declared before the service is started. */
export function deskOn(started: () => TestService): LicenseDesk {
  const calls: Partial<Record<'operator' | 'acme', AdminCall>> = {};
  const calling =
    (who: keyof typeof calls): AdminCall =>
    (...request) =>
      calls[who]?.(...request) ?? Promise.reject(new Error('the desk was not opened'));
  const operator = calling('operator');
  const issue: LicenseDesk['issue'] = (wanted = {}, headers) =>
    operator('POST', '/api/v1/licenses', { ...SUBSCRIPTION, ...wanted }, headers);
  return {
    openDesk: async () => {
      const service = started();
      calls.operator = adminCalls(service, await steadyKey(service));
      calls.acme = adminCalls(service, await steadyKey(service, SCOPE_NAMES, 'acme-gmbh'));
      for (const [id, email] of [
        ['acme-gmbh', 'IT@acme.example'],
        ['other-co', 'it@other.example'],
      ])
        await operator('POST', '/api/v1/customers', { id, name: `Customer ${id}`, email });
    },
    operator,
    acme: calling('acme'),
    issue,
    issued: async (wanted) => {
      const answer = await issue(wanted);
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer.body;
    },
    events: async (target) => {
      const found = await started().ports.store.query({ collection: 'audit' });
      return found.filter(({ fields }) => fields.target === target).map(({ fields }) => fields);
    },
    sessionsOf: (licenseKey) => {
      const hash = started().ports.hasher.hash('license', licenseKey);
      return started().ports.store.query({ collection: sessionsPath(hash) });
    },
  };
}
