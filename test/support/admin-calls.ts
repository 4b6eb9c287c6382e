/**
 * Calls of the operators' API, as they go over the wire.
 *
 *   const call = adminCalls(service, await service.admin(['customers:read']));
 *   const { status, body } = await call('GET', '/api/v1/customers');
 */
import type { Answer, TestService } from './service.ts';

type Headers = Readonly<Record<string, string>>;
export type AdminCall = (
  method: string,
  path: string,
  body?: object | string,
  headers?: Headers,
) => Promise<Answer>;

/** Bodies that are not JSON are answered as text. */
export function adminCalls({ baseUrl }: Pick<TestService, 'baseUrl'>, own: Headers): AdminCall {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: { ...own, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
}
