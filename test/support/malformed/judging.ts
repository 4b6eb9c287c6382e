/**
 * Whether an answer is the right refusal: problem+json of a known code that tells nothing. Judges say what is wrong,
 * or `undefined`.
 */
import { ERRORS } from '../../../shared/errors.ts';
import type { Answer, Shot } from './shot.ts';

/** What is wrong with the answer, or undefined. */
export function faultOf(
  shot: Shot,
  secrets: readonly string[],
  { status, headers, text }: Answer,
): string | undefined {
  const everything = `${JSON.stringify(headers)}${text}`;
  const leaked = leakIn(everything, secrets);
  if (leaked !== undefined) return `the answer holds ${leaked}`;
  if (shot.right === 'options' && status === 204)
    return headers.allow && text === '' ? undefined : 'no Allow, or a body';
  if (shot.right === 'page' && status === 200)
    return shot.method === 'HEAD' && text !== '' ? 'a body after HEAD' : undefined;
  if (shot.right === 'verdict' && status === 200) return verdictFault(JSON.parse(text));
  if (shot.method === 'HEAD' && shot.bytes === undefined) return headFault(status, headers, text);
  return refusalFault(shot, status, headers, text);
}

function verdictFault(body: { valid: unknown; code: unknown; document: unknown }): string | undefined {
  return body.valid === false && typeof body.code === 'string' && body.document === null
    ? undefined
    : 'validated';
}

function headFault(status: number, headers: Answer['headers'], text: string): string | undefined {
  if (text !== '') return 'a body after HEAD';
  return status >= 400 && status < 500 && headers['content-type'] === 'application/problem+json'
    ? undefined
    : 'no refusal';
}

function refusalFault(
  { codes }: Shot,
  status: number,
  headers: Answer['headers'],
  text: string,
): string | undefined {
  if (status < 400 || status > 499) return `status ${status}`;
  if (headers['content-type'] !== 'application/problem+json')
    return `content-type ${headers['content-type']}`;
  if (/<[a-z!/]|^\s*at |\bat \S+ \(|node_modules|\.(ts|js|mjs):\d|file:|\/work\/|\/home\//m.test(text))
    return 'markup, a stack or a file path';
  const problem = JSON.parse(text) as Record<string, unknown>;
  const known = ERRORS[problem.code as keyof typeof ERRORS] as { status: number; title: string } | undefined;
  if (known === undefined) return `the unknown code ${problem.code}`;
  if (known.status !== status || problem.status !== status) return 'status and code disagree';
  if (problem.title !== known.title || typeof problem.detail !== 'string') return 'no title or detail';
  if (typeof problem.request_id !== 'string' || problem.request_id === '') return 'no request_id';
  if (headers['x-request-id'] !== undefined && headers['x-request-id'] !== problem.request_id)
    return 'two request ids';
  if (codes !== undefined && !codes.includes(String(problem.code)))
    return `${problem.code}, not ${codes.join(' or ')}`;
  if (status === 405 && !headers.allow) return 'no Allow';
  return undefined;
}

/** The secret that the text holds, in whatever case. */
export function leakIn(text: string, secrets: readonly string[]): string | undefined {
  return secrets.find((secret) => text.toLowerCase().includes(secret.toLowerCase()));
}
