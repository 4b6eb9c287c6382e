/** Commands that list, where a record cannot be read: what is listed is not all there is, and they say so. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { licensePath } from '../../shared/records/paths.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { spawnProgram } from '../support/spawn-stack.ts';

let service: TestService;
let env: Record<string, string>;
let damaged: string;
beforeAll(async () => {
  service = await startTestService();
  const admin = await service.admin();
  env = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: admin['x-api-key'] };
  await service.addLicense({ licenseKey: 'READABLE-LICENSE', licenseId: 'readable' });
  await service.addLicense({ licenseKey: 'DAMAGED-LICENSE', licenseId: 'damaged' });
  damaged = licensePath(service.ports.hasher.hash('license', 'DAMAGED-LICENSE'));
  await service.ports.store.commit([{ op: 'update', path: damaged, fields: { updated_at: -1 } }]);
});
afterAll(() => service.stop());

test.each([
  ['licenses', 'list', '--json'],
  ['export', '--format', 'jsonl'],
])('%s %s answers the others, names it, and ends with 1', async (...args) => {
  const { code, stdout, stderr } = await spawnProgram('scripts/cli/main.ts', args, { env }).ended;
  expect(code).toBe(1);
  expect(stdout).toContain('"readable"');
  expect(stdout).not.toContain('"damaged",');
  expect(stderr).toContain(`its record is damaged: ${damaged}.`);
});
