/** From a query string to the checked value that an endpoint takes. */
import { z } from 'zod';
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
  const known = namesOf(schema);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined && known.includes(twice)) throw invalid([`The parameter ${twice} is given twice.`]);
  if (names.some((name) => !known.includes(name))) throw invalid([unknownName(known)]);
  const result = schema.safeParse(Object.fromEntries(parameters));
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `The parameter ${path.join('.')}: ${message}`,
    ),
  );
}

function namesOf(schema: z.ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Says the names that there are, and never the one that was sent: keys and addresses are put where names belong. */
function unknownName(known: readonly string[]): string {
  return `The query has a parameter that this call does not know. It knows ${known.join(', ')}.`;
}

function invalid(details: readonly string[]): CountersignError {
  const errors: FieldError[] = details.map((detail) => ({ pointer: '', detail }));
  return new CountersignError('invalid_request', details[0] ?? 'The query is not valid.', { errors });
}
