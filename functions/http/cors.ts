/** Which pages may call: none unless an operator lists their origins. The API takes no cookies. */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { INSTANCE_HEADER } from './instance-id.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';

const PREFLIGHT_SECONDS = 600;

export function corsMiddleware(origins: readonly string[]): MiddlewareHandler {
  return cors({
    origin: [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS'],
    allowHeaders: [
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'X-API-Key',
      'Authorization',
      INSTANCE_HEADER,
      REQUEST_ID_HEADER,
    ],
    exposeHeaders: [
      REQUEST_ID_HEADER,
      'Retry-After',
      'ETag',
      'Link',
      'Idempotent-Replayed',
      'WWW-Authenticate',
    ],
    maxAge: PREFLIGHT_SECONDS,
  });
}
