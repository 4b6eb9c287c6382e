/** From a query string to the checked value that an endpoint takes. */
import type { z } from 'zod';
import { CountersignError, type FieldError } from '../../shared/errors.ts';

/**
 * @throws CountersignError `invalid_request`, also for a parameter that is given twice or that nobody knows: a misspelt
 * filter would answer with everything
 */
export function checkQuery<Query extends z.ZodType>(
  schema: Query,
  parameters: URLSearchParams,
): z.output<Query> {
  const names = [...parameters.keys()];
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw invalid([{ pointer: '', detail: `The parameter ${twice} is given twice.` }]);
  const result = schema.safeParse(Object.fromEntries(parameters));
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map(({ path, message }) => ({
      pointer: '',
      detail: path.length === 0 ? message : `The parameter ${path.join('.')}: ${message}`,
    })),
  );
}

function invalid(errors: readonly FieldError[]): CountersignError {
  return new CountersignError('invalid_request', errors[0]?.detail ?? 'The query is not valid.', { errors });
}
