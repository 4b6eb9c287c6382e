import { randomUUID } from 'node:crypto';
import { ledgerLine, ledgerTerms } from '../ledger.ts';
import { SUBSCRIPTION } from '../license-desk.ts';
import type { Case, Cases, Prepare, Shot } from './case.ts';
import type { Ready } from './ready.ts';

const OVER = { expires_at: 1 };
const INACTIVE = { is_active: false };
let lines = 0;

/** A change of one licence: what is sent, and which refusals it has beside an unknown licence. */
function change(body: Shot['body'], refusals: Case['refusals'] = {}): Case {
  const sent = body === undefined ? {} : { body };
  return {
    good: async ({ license }) => ({ ids: { id: (await license()).id }, ...sent }),
    refusals: {
      license_not_found: async () => ({ ids: { id: randomUUID() }, ...sent }),
      ...refusals,
    },
  };
}

const onRevoked =
  (body: object): Prepare =>
  async ({ changed }) => ({ ids: { id: (await changed({ status: 'revoked' })).id }, body });
const onSuspended =
  (body: object): Prepare =>
  async ({ changed }) => ({ ids: { id: (await changed({ status: 'suspended' })).id }, body });
const onExpired =
  (body: object): Prepare =>
  async ({ changed }) => ({ ids: { id: (await changed(OVER)).id }, body });

const DELIVERABLE = { query: 'deliverable=true' };
const onStatus =
  (fields: Parameters<Ready['changed']>[0]): Prepare =>
  async ({ changed }) => ({ ids: { id: (await changed(fields)).id }, ...DELIVERABLE });

const RENEWAL = { duration_days: 10 };
const REASON = { reason: 'unpaid' };
const FORMAT = { format: 'aegis' };
const LETTER = { format: 'aegis', to: 'it@acme.example' };

const mailed =
  (code: number): Prepare =>
  async ({ license, smtp }) => {
    smtp.behave({ refuse: { at: 'to', code } });
    return { ids: { id: (await license()).id }, body: LETTER };
  };

const HELD = { holder: { name: 'Ada', email: 'ada@acme.example' } };
const REMINDER = { force: false };

const reminded =
  (code: number): Prepare =>
  async ({ license, smtp }) => {
    smtp.behave({ refuse: { at: 'to', code } });
    return { ids: { id: (await license(HELD)).id }, body: REMINDER };
  };

export const LICENSE_CASES: Cases = {
  issueLicense: {
    good: async ({ customer }) => ({ body: { ...SUBSCRIPTION, customer_id: await customer() } }),
    refusals: {
      customer_not_found: async ({ fresh }) => ({ body: { ...SUBSCRIPTION, customer_id: fresh('nobody') } }),
      customer_inactive: async ({ customer }) => ({
        body: { ...SUBSCRIPTION, customer_id: await customer(INACTIVE) },
      }),
      license_key_taken: async ({ license }) => {
        const { customer_id, license_key } = await license();
        return { body: { ...SUBSCRIPTION, customer_id, license_key } };
      },
    },
  },
  listLicenses: { good: async () => ({ query: 'page_size=2' }), refusals: {} },
  listProducts: { good: async () => ({}), refusals: {} },
  licenseStats: { good: async () => ({}), refusals: {} },
  getLicense: change(undefined),
  listDocuments: {
    good: async ({ license }) => ({ ids: { id: (await license()).id }, ...DELIVERABLE }),
    refusals: {
      license_not_found: async () => ({ ids: { id: randomUUID() }, ...DELIVERABLE }),
      license_revoked: onStatus({ status: 'revoked' }),
      license_suspended: onStatus({ status: 'suspended' }),
      license_expired: onStatus(OVER),
      document_not_found: async ({ license }) => ({
        ids: { id: (await license({ formats: [] })).id },
        ...DELIVERABLE,
      }),
    },
  },
  listActivations: change(undefined),
  changeLicense: change(
    { allowed_major_versions: [18] },
    { license_revoked: onRevoked({ allowed_major_versions: [18] }) },
  ),
  renewLicense: change(RENEWAL, {
    license_revoked: onRevoked(RENEWAL),
    not_renewable: async ({ license }) => {
      const { id } = await license({ license_type: 'perpetual', duration_days: undefined });
      return { ids: { id }, body: RENEWAL };
    },
  }),
  transferLicense: {
    good: async ({ license, customer }) => ({
      ids: { id: (await license()).id },
      body: { customer_id: await customer() },
    }),
    refusals: {
      license_not_found: async ({ customer }) => ({
        ids: { id: randomUUID() },
        body: { customer_id: await customer() },
      }),
      license_revoked: async ({ changed, customer }) => ({
        ids: { id: (await changed({ status: 'revoked' })).id },
        body: { customer_id: await customer() },
      }),
      customer_inactive: async ({ license, customer }) => ({
        ids: { id: (await license()).id },
        body: { customer_id: await customer(INACTIVE) },
      }),
      customer_not_found: async ({ license, fresh }) => ({
        ids: { id: (await license()).id },
        body: { customer_id: fresh('nobody') },
      }),
    },
  },
  suspendLicense: change(REASON, { license_revoked: onRevoked(REASON) }),
  reinstateLicense: {
    ...change({}, { license_revoked: onRevoked({}) }),
    good: onSuspended({}),
  },
  revokeLicense: change(REASON, { already_revoked: onRevoked(REASON) }),
  issueDocument: change(FORMAT, {
    license_revoked: onRevoked(FORMAT),
    license_suspended: onSuspended(FORMAT),
    license_expired: onExpired(FORMAT),
  }),
  deliverDocument: change(LETTER, {
    license_revoked: onRevoked(LETTER),
    license_suspended: onSuspended(LETTER),
    license_expired: onExpired(LETTER),
    document_not_found: async ({ license }) => ({
      ids: { id: (await license({ formats: [] })).id },
      body: LETTER,
    }),
    mail_refused: mailed(550),
    mail_unavailable: mailed(451),
  }),
  remindOfEnd: {
    ...change(REMINDER, {
      license_revoked: onRevoked(REMINDER),
      license_suspended: onSuspended(REMINDER),
      license_expired: onExpired(REMINDER),
      not_remindable: async ({ license }) => {
        const { id } = await license({ license_type: 'perpetual', duration_days: undefined });
        return { ids: { id }, body: REMINDER };
      },
      mail_refused: reminded(550),
      mail_unavailable: reminded(451),
    }),
    good: async ({ license }) => ({ ids: { id: (await license(HELD)).id }, body: REMINDER }),
  },
  importLedger: {
    good: async ({ customer }) => {
      lines += 1;
      return { body: { lines: [ledgerLine(ledgerTerms(lines))], customer_id: await customer() } };
    },
    refusals: {
      customer_inactive: async ({ customer }) => ({
        body: { lines: [ledgerLine(ledgerTerms(0))], customer_id: await customer(INACTIVE) },
      }),
      customer_not_found: async ({ fresh }) => ({ body: { lines: ['{}'], customer_id: fresh('nobody') } }),
    },
  },
};
