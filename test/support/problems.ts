/** Judging refusals over HTTP: problem documents, and what comes back over a bare socket. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'vitest';

const PROBLEM = 'application/problem+json';
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly request_id: string;
}

/** A problem document with this status and code, and nothing that Express or Node would say. */
export async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
  const text = await response.text();
  expect([response.status, response.headers.get('content-type')], text).toEqual([status, PROBLEM]);
  const problem = JSON.parse(text) as Problem;
  expect(problem).toMatchObject({
    type: `urn:countersign:error:${code}`,
    status,
    code,
    detail: expect.any(String),
  });
  expect(response.headers.get('x-request-id')).toBe(problem.request_id);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('x-powered-by')).toBeNull();
  expect(text).not.toMatch(/<[a-z!/]|^\s*at |node_modules|\.ts:\d/m);
  return problem;
}

/** Sends bytes as they are and answers everything that came back until the server closed, or `limitMs` was over. */
export async function sendRaw(baseUrl: string, bytes: string, limitMs = 5000): Promise<string> {
  const socket = connect({ port: Number(new URL(baseUrl).port), host: '127.0.0.1' });
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.on('error', () => {});
  socket.write(Buffer.from(bytes, 'latin1'));
  const limit = setTimeout(() => socket.destroy(), limitMs);
  await once(socket, 'close');
  clearTimeout(limit);
  return received;
}

/** The same for one answer of `sendRaw`. */
export function expectRawProblem(received: string, status: number, code: string): void {
  const [head = '', body = ''] = received.split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain(`content-type: ${PROBLEM}`);
  expect(JSON.parse(body)).toMatchObject({ status, code, request_id: expect.stringMatching(UUID) });
}
