/** From the bytes of a body to the checked value that an endpoint takes. */
import type { z } from 'zod';
import { type JsonObject, parseStrictJson } from '../../shared/canonical/strict-json.ts';
import { CountersignError, type FieldError } from '../../shared/errors.ts';

/** `application/json` and its relatives, in UTF-8, which is the only encoding JSON has (RFC 8259 §8.1). */
const JSON_MEDIA_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/**
 * @throws CountersignError `unsupported_media_type`, one of the JSON codes, or `invalid_request`
 */
export function parseBody(
  bytes: Uint8Array | undefined,
  contentType = '',
  contentEncoding = 'identity',
): JsonObject {
  if (contentEncoding !== 'identity') {
    throw new CountersignError('unsupported_media_type', 'Send the body without a Content-Encoding.');
  }
  if (!JSON_MEDIA_TYPE.test(contentType)) {
    throw new CountersignError(
      'unsupported_media_type',
      'Send a JSON body with Content-Type: application/json.',
    );
  }
  const value = parseStrictJson(bytes ?? new Uint8Array());
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalid([{ pointer: '', detail: 'The body must be a JSON object.' }]);
}

export function checkBody<Body extends z.ZodType>(schema: Body, value: JsonObject): z.output<Body> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map((issue) => ({ pointer: pointer(issue.path), detail: detailOf(issue) })),
  );
}

/** zod would name members that nobody knows, and a name may be a key or an address that was put there. */
function detailOf({ code, message }: z.core.$ZodIssue): string {
  return code === 'unrecognized_keys' ? 'has a member that this call does not know' : message;
}

function invalid(errors: readonly FieldError[]): CountersignError {
  const [first] = errors;
  const where = first?.pointer ? `${first.pointer}: ` : '';
  return new CountersignError('invalid_request', `${where}${first?.detail ?? 'The body is not valid.'}`, {
    errors,
  });
}

/** RFC 6901 §3. */
function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
