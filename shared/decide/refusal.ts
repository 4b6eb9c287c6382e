import type { CountersignError, ErrorCode } from '../errors.ts';

/** A refusal: a code for the caller and what else the problem document says. Nothing is written or signed. */
export interface Refusal {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly members?: NonNullable<CountersignError['members']>;
}

export function refuse(code: ErrorCode, detail: string, members?: Refusal['members']): Refusal {
  return { kind: 'refuse', code, detail, ...(members && { members }) };
}
