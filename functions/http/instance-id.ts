/** `X-CAIO-Instance-ID`: what an installation calls itself. */
import { MAX_STRING_LENGTH } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Endpoint } from './endpoint.ts';

export const INSTANCE_HEADER = 'X-CAIO-Instance-ID';

const PRINTABLE = /^[\x21-\x7e]+$/;

/** @throws CountersignError `invalid_request` when it is missing where it is required, or not printable ASCII */
export function readInstanceId(
  { instance }: Pick<Endpoint, 'instance'>,
  value: string | undefined,
): string | undefined {
  if (instance === undefined || (instance === 'optional' && value === undefined)) return undefined;
  if (value !== undefined && value.length <= MAX_STRING_LENGTH && PRINTABLE.test(value)) return value;
  const detail = `Send ${INSTANCE_HEADER}: 1 to ${MAX_STRING_LENGTH} printable ASCII characters without spaces.`;
  throw new CountersignError('invalid_request', detail, { errors: [{ pointer: '', detail }] });
}
