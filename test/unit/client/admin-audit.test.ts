/** The export of the audit trail, of a service whose answers something in between has touched. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createAdminClient } from '../../../shared/client/admin-client.ts';

const servers: Server[] = [];

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const seqsOf = (baseUrl: string) =>
  Array.fromAsync(
    createAdminClient({ baseUrl, apiKey: 'csk_x' }).audit.all({ actor: 'ada' }),
    ({ seq }) => seq,
  );

test('a link to another host is followed at the service, and no key is sent there', async () => {
  const strayed: unknown[] = [];
  const other = await serve((request, response) => {
    strayed.push(request.headers['x-api-key']);
    response.end('{"seq":666}\n');
  });
  const asked: (string | undefined)[] = [];
  const service = await serve((request, response) => {
    asked.push(request.url);
    const last = asked.length === 2;
    if (!last) response.setHeader('link', `<${other}/?actor=ada&format=jsonl&after=1>; rel="next"`);
    response.end(last ? '{"seq":2}\n' : '{"seq":1}\n');
  });
  expect(await seqsOf(service)).toEqual([1, 2]);
  expect(strayed).toEqual([]);
  const path = '/api/v1/admin/audit-logs/export';
  expect(asked).toEqual([`${path}?actor=ada&format=jsonl`, `${path}?actor=ada&format=jsonl&after=1`]);
});

test('a link of another relation, and none, end the export', async () => {
  for (const link of ['<?after=1>; rel="prev"', '']) {
    const service = await serve((_, response) => response.setHeader('link', link).end('{"seq":1}\n'));
    expect(await seqsOf(service)).toEqual([1]);
  }
});
