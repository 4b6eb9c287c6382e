/** What callers of the operators' API may do, one row each. An endpoint names the scope that it needs. */

export const SCOPES = {
  'licenses:read': 'See licences, their documents and activations, and statistics',
  'licenses:write': 'Issue, change, suspend, revoke and transfer licences',
  'customers:read': 'See customers',
  'customers:write': 'Create, change and delete customers',
  'usage:read': 'See how licences are used',
  'audit:read': 'See and export the audit trail',
  'keys:admin': 'Change and publish signing keys',
  'access:admin': 'Create and revoke API keys',
} as const;

export type AccessScope = keyof typeof SCOPES;

export const SCOPE_NAMES = Object.keys(SCOPES) as [AccessScope, ...AccessScope[]];
