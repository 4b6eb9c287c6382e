/** Examples of CAIO licences and their activations. */
import { AT, CAIO_TEXT, CUSTOMER_ID, INSTANCE, LATER, LICENSE_ID, PAGE_OF_ONE } from './values.ts';

export const LICENSING = {
  valid: true,
  code: null,
  error: null,
  activated: true,
  customer_id: CUSTOMER_ID,
  license_type: 'perpetual',
  features: ['reports', 'export'],
  limits: { max_instances: 3, max_services: 20, max_requests_per_day: 1_000_000 },
  expires_at: null,
  days_left: null,
  instances_in_use: 1,
  first_seen_at: AT,
  last_seen_at: LATER,
};

export const LICENSING_RENEW = { license_key: CAIO_TEXT, renewed: false, expires_at: null, days_left: null };

const ACTIVATION = {
  instance: INSTANCE,
  live: true,
  format: 'caio-v2',
  key_id: 'kvkc35wFXqHRteUqrlfghII-raXTmSvEyv7mpetldbA',
  first_seen_at: AT,
  last_seen_at: LATER,
};

export const ACTIVATIONS = { activations: [ACTIVATION], max_instances: 3, ...PAGE_OF_ONE };

export const ENDED_ACTIVATION = {
  message: 'The activation was ended.',
  license_id: LICENSE_ID,
  instance: INSTANCE,
};
