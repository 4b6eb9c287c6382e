/** Reads a request's body, and no more than it may have. */
import type { IncomingMessage } from 'node:http';
import { MAX_BODY_BYTES } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';

/**
 * A client that is still sending does not read: closing on it would cost it the answer. So a body that is too
 * large is read on and thrown away, up to these limits, before the 413.
 */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;
const MAX_DISCARDING_MS = 2_000;

/** True when the request says beforehand that its body is too large. */
export function announcesTooMuch(request: IncomingMessage, limit = MAX_BODY_BYTES): boolean {
  return Number(request.headers['content-length'] ?? 0) > limit;
}

export function bodyTooLarge(): CountersignError {
  return new CountersignError('body_too_large', `A body may have ${MAX_BODY_BYTES} bytes at most.`);
}

/** @throws CountersignError `body_too_large`, or `malformed_request` when the client breaks off. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  if (announcesTooMuch(request, MAX_DISCARDED_BYTES)) throw bodyTooLarge();
  const chunks = await receive(request);
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

function receive(request: IncomingMessage): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    let timer: NodeJS.Timeout | undefined;
    const refuse = (error: CountersignError) => {
      clearTimeout(timer);
      reject(error);
    };
    const discard = () => {
      timer ??= setTimeout(() => reject(bodyTooLarge()), MAX_DISCARDING_MS);
    };
    if (announcesTooMuch(request)) discard();
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (length <= MAX_DISCARDED_BYTES) discard();
      else refuse(bodyTooLarge());
    });
    request.on('end', () => (length <= MAX_BODY_BYTES ? resolve(chunks) : refuse(bodyTooLarge())));
    request.on('error', (cause) =>
      refuse(new CountersignError('malformed_request', 'The request broke off before its end.', { cause })),
    );
  });
}
