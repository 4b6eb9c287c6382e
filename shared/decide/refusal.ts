import type { CountersignError, ErrorCode, FieldError } from '../errors.ts';

/** A refusal: a code for the caller and what else the problem document says. Nothing is written or signed. */
export interface Refusal {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  readonly detail: string;
  /** The members of the request that are wrong, of `invalid_request`. */
  readonly errors?: readonly FieldError[];
  readonly members?: NonNullable<CountersignError['members']>;
}

export function refuse(code: ErrorCode, detail: string, members?: Refusal['members']): Refusal {
  return { kind: 'refuse', code, detail, ...(members && { members }) };
}

/** Of a member of the request that does not fit what is stored. `pointer` is an RFC 6901 JSON pointer into the body. */
export function refuseField(pointer: string, detail: string): Refusal {
  return { kind: 'refuse', code: 'invalid_request', detail, errors: [{ pointer, detail }] };
}
