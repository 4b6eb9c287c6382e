/** Examples of floating sessions and of the documents that they are answered with. */
import {
  AEGIS_CLAIMS,
  AT,
  CUSTOMER_ID,
  END,
  LATER,
  LICENSE_ID,
  LICENSE_KEY,
  MODULE,
  SESSION_ID,
} from './values.ts';

const PAYLOAD = {
  license_id: LICENSE_ID,
  session_id: SESSION_ID,
  hardware_id: 'workstation-1',
  customer: { id: CUSTOMER_ID, name: 'ACME GmbH' },
  product: MODULE,
  tier: 'pro',
  features: ['reports', 'export'],
  allowed_major_versions: [16, 17],
  issuer: 'https://licences.example.com',
  signed_at: AT,
  expires_at: '2026-01-09T03:10:05.678+00:00',
  lease_expires_at: LATER,
  license_expires_at: END,
  heartbeat_seconds: 300,
  borrowed: false,
  nonce: null,
};

const INLINE = {
  ...PAYLOAD,
  license_key: LICENSE_KEY,
  kid: 'aoSsl-gifXLc2wQqsf4wIfs_hqcC0TsLc4hoYpmeLKo',
  signature: 'sfm2IFb0BRNQWrP55ZMNZZrPtETURhi4dtkXZDlc5lOsM45CD8h97WPMuFYqjr3C9jWCsFTUrHrm3SAvuY5rBw==',
  signature_algorithm: 'EC_SIGN_ED25519',
};

const LEASE = { session_id: SESSION_ID, lease_expires_at: LATER, heartbeat_seconds: 300 };

export const ACQUIRE = { license_data: INLINE, ...LEASE };
export const HEARTBEAT = LEASE;
export const RELEASE = { session_id: SESSION_ID, released_at: AT };

/** Of an AEGIS licence. */
export const VALIDATE = {
  valid: true,
  code: null,
  error: null,
  license_id: LICENSE_ID,
  session_id: null,
  customer_name: 'ACME GmbH',
  product: MODULE,
  tier: 'perpetual',
  license_type: 'perpetual',
  features: [],
  expires_at: null,
  document: AEGIS_CLAIMS,
};

export const FINGERPRINT = {
  fingerprint: 'sha256:11ca62c2dff11b5cf15b24f15e87a2f1fd1aeb8b9e4b36a3cf5c8b1c2d2c9a8c',
  db_uuid: '5f0c1d1e-3c55-4a0e-8a3e-6f2f0f8f5b11',
  domain: 'erp.example.com',
};
