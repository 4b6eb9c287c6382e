/** Examples of what operators keep beside licences: customers, API keys, the audit trail. */
import { API_KEY_PREFIX, AT, CUSTOMER_ID, LATER, PAGE_OF_ONE } from './values.ts';

export const CUSTOMER = {
  id: CUSTOMER_ID,
  name: 'ACME GmbH',
  email: 'it@acme.example',
  company: null,
  phone: null,
  address: null,
  notes: null,
  is_active: true,
  created_at: AT,
  updated_at: LATER,
};

export const CUSTOMERS = { customers: [CUSTOMER], ...PAGE_OF_ONE, next_cursor: null };

export const API_KEY = {
  prefix: API_KEY_PREFIX,
  name: 'shop',
  scopes: ['licenses:write', 'customers:read'],
  customer_id: null,
  expires_at: null,
  created_at: AT,
  revoked_at: null,
  last_used_at: LATER,
};

/** The key is a made-up one. */
export const CREATED_API_KEY = {
  ...API_KEY,
  last_used_at: null,
  api_key: `${API_KEY_PREFIX}${'…'.repeat(35)}`,
};
export const REVOKED_API_KEY = { ...API_KEY, revoked_at: LATER };
export const API_KEYS = { api_keys: [API_KEY], ...PAGE_OF_ONE };

const EVENT = {
  seq: 42,
  id: '9f86d081884c7d659a2feaa0c55ad015',
  at: AT,
  actor: 'key:csk_Ab3dE6gH',
  source: '203.0.113.7',
  request_id: '2f1d8c1e-5a0b-4a57-9a55-3f6d3c1c9d10',
  action: 'customers.change',
  target: CUSTOMER_ID,
  before: { is_active: true },
  after: { is_active: false },
  previous: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  hash: 'fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9',
};

export const AUDIT_EVENTS = { events: [EVENT], ...PAGE_OF_ONE };

export const AUDIT_JSONL = `${JSON.stringify(EVENT)}\n`;
export const AUDIT_CSV =
  'seq,at,actor,source,request_id,action,target,before,after,id,previous,hash\r\n' +
  '42,2026-01-02T03:04:05.678+00:00,key:csk_Ab3dE6gH,203.0.113.7,r-1,customers.change,acme-gmbh,"{""is_active"":true}","{""is_active"":false}",9f86,2c26,fcde\r\n';

/** What became of one line of a ledger. */
export const IMPORT = {
  added: 1,
  known: 0,
  refused: 0,
  unverified: 0,
  results: [{ index: 0, outcome: 'added', reason: null, verified: true }],
};
