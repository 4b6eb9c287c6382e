/** Examples of licences, as operators see them. */
import {
  AEGIS_TOKEN,
  AT,
  CUSTOMER_ID,
  END,
  KID,
  LATER,
  LICENSE_ID,
  LICENSE_KEY,
  MODULE,
  PAGE_OF_ONE,
} from './values.ts';

export const LISTED_LICENSE = {
  id: LICENSE_ID,
  customer_id: CUSTOMER_ID,
  customer_name: 'ACME GmbH',
  module_name: MODULE,
  license_type: 'subscription',
  status: 'active',
  tier: 'team',
  features: ['reports', 'export'],
  allowed_major_versions: [16, 17],
  seats: 20,
  limits: null,
  policy: {
    heartbeat_seconds: 300,
    lease_seconds: 360,
    offline_grace_seconds: 259_200,
    strict_online: false,
    borrow_max_seconds: 604_800,
  },
  holder: null,
  instance_fingerprint: null,
  allowed_hardware: null,
  unverified: false,
  notes: null,
  revoked_reason: null,
  issued_at: AT,
  expires_at: END,
  expiry_strategy: 'restrict',
  updated_at: LATER,
};

export const LICENSE = { ...LISTED_LICENSE, token: AEGIS_TOKEN, key_id: KID };
export const ISSUED_LICENSE = { ...LICENSE, license_key: LICENSE_KEY };
export const LICENSES = { licenses: [LISTED_LICENSE], ...PAGE_OF_ONE, next_cursor: null };

export const REVOKED = { message: 'The licence is revoked.', license_id: LICENSE_ID };

export const STATS = {
  total: 3,
  by_status: { active: 2, suspended: 0, revoked: 1, expired: 0 },
  by_type: { perpetual: 1, subscription: 2, demo: 0, trial: 0, standard: 0, enterprise: 0 },
  by_tier: { free: 0, pro: 1, team: 2, enterprise: 0 },
};

export const DOCUMENT = {
  license_id: LICENSE_ID,
  format: 'aegis',
  key_id: KID,
  issued_at: AT,
  replaces: null,
  document: AEGIS_TOKEN,
};

export const DOCUMENTS = { documents: [DOCUMENT] };

/** Where no mail server is configured. */
export const DELIVERY = {
  license_id: LICENSE_ID,
  format: 'aegis',
  key_id: KID,
  sent: false,
  reason: 'smtp_not_configured',
};
export const REMINDER = {
  license_id: LICENSE_ID,
  expires_at: END,
  sent: false,
  reason: 'smtp_not_configured',
};
