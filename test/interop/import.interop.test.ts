/** The import of a ledger of 100,000 lines: it takes minutes, so it is no part of `npm test`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, test } from 'vitest';
import { importKilledOnTheWay } from '../support/import-run.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
const folder = mkdtempSync(join(tmpdir(), 'countersign-import-'));
beforeAll(async () => {
  service = await startTestService();
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('100,000 lines are imported in constant memory, by a command that is killed on the way', async () => {
  const admin = await service.admin();
  await service.post('/api/v1/customers', { id: 'datatools', name: 'Buyers' }, admin);
  const env = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: admin['x-api-key'] };
  await importKilledOnTheWay(service, env, join(folder, 'ledger.jsonl'), 100_000);
}, 900_000);
