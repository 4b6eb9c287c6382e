import type { Refusal } from '../decide/refusal.ts';
import { CountersignError } from '../errors.ts';

/** The error that tells the caller of a refusal. */
export function refused({ code, detail, errors, members }: Refusal): CountersignError {
  return new CountersignError(code, detail, { ...(errors && { errors }), ...(members && { members }) });
}
