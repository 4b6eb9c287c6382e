/** One request to the server that runs now, and what its answer has to look like. */
import { Agent, request } from 'node:http';
import { type VerificationKey, verifyDocument } from '../../../shared/client/verify.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import type { Book } from './book.ts';
import type { Server } from './server.ts';

/** Longer than any deadline of the server on any machine. */
const ANSWER_LIMIT_MS = 90_000;

/** A connection that waits for its next request can be closed under it, which would look like a lost answer. */
const AGENT = new Agent({ keepAlive: false });

export interface Answered {
  readonly kind: 'answered';
  readonly sentAt: number;
  readonly endedAt: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: answers and problem documents of any shape
  readonly body: any;
}

export type Outcome =
  | Answered
  | { readonly kind: 'unanswered'; readonly sentAt: number; readonly endedAt: number };

export interface Service {
  readonly book: Book;
  /** Whether the KMS may be away, so that an acquire may be told to come back. */
  readonly maySignLater: boolean;
  isDown(): boolean;
  post(
    operation: 'acquire' | 'heartbeat' | 'release',
    body: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Outcome>;
  /** The payload of a signed document; a violation and undefined when it does not verify. */
  verify(
    document: string | object,
    scope: { hardwareId: string; nonce: string },
  ): Promise<DocumentPayload | undefined>;
}

export interface ServiceOptions {
  readonly book: Book;
  readonly server: () => Server;
  readonly verificationKeys: readonly VerificationKey[];
  readonly maySignLater: boolean;
}

export function createService({ book, server, verificationKeys, maySignLater }: ServiceOptions): Service {
  return {
    book,
    maySignLater,
    isDown: () => server().isDown(),
    async post(operation, body, headers = {}) {
      const asked = server();
      const sentAt = Date.now();
      book.counts.requests += 1;
      try {
        const { text, ...answer } = await send(asked.port, operation, JSON.stringify(body), headers);
        return { kind: 'answered', sentAt, endedAt: Date.now(), ...answer, body: JSON.parse(text) };
      } catch (error) {
        if (!asked.isKilled()) book.violations.push(`${operation}: no answer from a living server: ${error}`);
        book.counts.unanswered += 1;
        return { kind: 'unanswered', sentAt, endedAt: Date.now() };
      }
    },
    async verify(document, scope) {
      const text = typeof document === 'string' ? document : JSON.stringify(document);
      const result = await verifyDocument(text, { keys: verificationKeys, now: Date.now(), scope });
      if (result.valid) return result.payload;
      book.violations.push(`acquire: a document that does not verify (${result.code})`);
      return undefined;
    },
  };
}

/** Rejects when the connection breaks before the whole answer is there. */
function send(port: number, operation: string, body: string, headers: Readonly<Record<string, string>>) {
  type Received = Pick<Answered, 'status' | 'headers'> & { readonly text: string };
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const sent = request(
    {
      agent: AGENT,
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: `/api/v1/licenses/${operation}`,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
      timeout: ANSWER_LIMIT_MS,
    },
    (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    },
  );
  sent.on('timeout', () => sent.destroy(new Error(`no answer in ${ANSWER_LIMIT_MS} ms`)));
  sent.on('error', reject);
  sent.end(body);
  return promise;
}
