/**
 * What a request has to look like before the framework sees it. Node's parser is lenient, and Express, the
 * framework's router and Hono each read an odd target in their own way; such a request is refused here.
 */
import type { IncomingMessage } from 'node:http';
import { CountersignError } from '../../shared/errors.ts';

const HTTP_VERSIONS = new Set(['1.0', '1.1']);

/** RFC 9110 §7.2: a name, an IPv4 or a bracketed IPv6 address, and a port. */
const HOST = /^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** First segments that the framework answers with an empty 404, whatever follows and in any case. */
const TAKEN_BY_FRAMEWORK = new Set(['favicon.ico', 'robots.txt']);

/** @throws CountersignError `malformed_request` or `not_found` */
export function checkTarget({ url = '/', httpVersion, headers: { host } }: IncomingMessage): void {
  if (!HTTP_VERSIONS.has(httpVersion)) throw malformed('Send the request as HTTP/1.1.');
  if (host === undefined || !HOST.test(host)) throw malformed('The Host header is missing or malformed.');
  const [, origin, path] = /^(https?:\/\/[^/?#]*)?(\/[^?#\\]*)/i.exec(url) ?? [];
  if (path === undefined || /[\\#]/.test(url) || !URL.canParse(url, `http://${host}`)) {
    throw malformed('The request target is no path.');
  }
  if (origin !== undefined && !HOST.test(origin.replace(/^.*\/\//, '')))
    throw malformed('The request target is no path.');
  checkPath(path);
}

function checkPath(path: string): void {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (cause) {
    throw malformed('The path has a percent sign that starts no valid escape.', cause);
  }
  const [, first = ''] = decoded.toLowerCase().split('/');
  if (TAKEN_BY_FRAMEWORK.has(first))
    throw new CountersignError('not_found', 'This service has no such path.');
}

function malformed(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('malformed_request', detail, { cause });
}
