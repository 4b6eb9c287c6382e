/** A table of products for tests: all members differ, so that a mixed-up one shows. */
import { type ProductTable, productTable } from '../../shared/wire/products.ts';

export const ROWS = [
  {
    name: 'sale_forecast',
    title: 'Sale forecast',
    defaults: {
      features: ['forecast'],
      allowed_major_versions: [16, 17],
      duration_days: 365,
      policy: { heartbeat_seconds: 120, lease_seconds: 200 },
    },
    tiers: {
      free: { duration_days: 30, seats: 1 },
      team: {
        features: ['forecast', 'export'],
        limits: { max_instances: 3, max_services: 4, max_requests_per_day: 5000 },
        seats: 5,
        policy: { lease_seconds: 240, borrow_max_seconds: 86_400 },
        allowed_major_versions: [17, 18],
      },
      pro: { features: ['forecast', 'export', 'api'], seats: null, duration_days: null },
    },
  },
  {
    name: 'datatools',
    title: 'DataTools',
    tiers: {
      free: { features: ['read'], duration_days: 90 },
      team: {
        features: ['read', 'write'],
        allowed_major_versions: [2],
        policy: { offline_grace_seconds: 77 },
      },
    },
  },
];

export const TABLE: ProductTable = productTable.parse(ROWS);
