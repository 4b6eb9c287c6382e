/** Who calls, and what of whom they may see and change. */
import type { AccessScope } from './scopes.ts';

export interface Caller {
  /** As the audit trail names them: `key:csk_Ab3dE6gH`, `oidc:ops@example.com`, `anonymous`. */
  readonly actor: string;
  readonly scopes: ReadonlySet<AccessScope>;
  /** The only customer whose objects they may touch; null for all. */
  readonly customerId: string | null;
  /** The end of the API key that they call with, in milliseconds; left out where it has none, and of ID tokens. */
  readonly keyExpiresAt?: number;
  /** The address that the request came from, for the audit trail; null when it is not known. */
  readonly source: string | null;
  readonly requestId: string;
}

/** Whether an object of this customer exists for the caller. */
export function mayTouch({ customerId }: Pick<Caller, 'customerId'>, ownerId: string): boolean {
  return customerId === null || customerId === ownerId;
}
