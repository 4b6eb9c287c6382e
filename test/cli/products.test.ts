/** `countersign products` and `mint` as processes, against a service with a table of products and one without. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { ROWS, TABLE } from '../support/product-table.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { launch, spawnProgram, spawnStack } from '../support/spawn-stack.ts';

const MINT = ['mint', '--name', 'Ada', '--email', 'ada@example.com', '--json', '--tier'];

describe('against a service with a table', () => {
  let service: TestService;
  let environment: Record<string, string>;

  beforeAll(async () => {
    service = await startTestService({ products: TABLE, deadlineMs: 10_000 });
    environment = await environmentOf(service);
  });
  afterAll(() => service.stop());

  const countersign = (...args: string[]) =>
    spawnProgram('scripts/cli/main.ts', args, { env: environment }).ended;

  test('products shows a line for each tier, with what it gives', async () => {
    const { code, stdout } = await countersign('products');
    expect(code).toBe(0);
    const [header, ...lines] = stdout.trimEnd().split('\n');
    expect(header).toMatch(/^PRODUCT +TITLE +TIER +FEATURES +SEATS +DAYS$/);
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^sale_forecast +Sale forecast +team +forecast export +5 +365$/);
    expect(lines[2]).toMatch(/^sale_forecast +Sale forecast +pro +forecast export api +unlimited$/);
  });

  test('products --json answers the table', async () => {
    const { stdout } = await countersign('products', '--json');
    expect(JSON.parse(stdout).products).toEqual(ROWS.map((row) => ({ defaults: {}, ...row })));
  });

  test('mint makes a DataTools key, and its licence has what the table gives', async () => {
    const { code, stdout, stderr } = await countersign(...MINT, 'core');
    expect([code, stderr]).toEqual([0, '']);
    const { license_id, license_key, document } = JSON.parse(stdout);
    expect(license_key).toMatch(/^DT1-CORE-[0-9a-f]{8}-[0-9a-f]{8}$/);
    expect(dtlic2.decode(document).license).toMatchObject({ licenseId: license_key, licenseType: 'core' });
    const shown = JSON.parse((await countersign('licenses', 'show', license_id, '--json')).stdout);
    expect(shown).toMatchObject({ features: ['read', 'write'], allowed_hardware: [] });
    const acquired = await service.post('/api/v1/licenses/acquire', { license_key, hardware_id: 'any' });
    expect(acquired.body.code).toBe('hardware_not_allowed');
  });

  test('mint of a tier that is not sold says which are', async () => {
    const { code, stdout, stderr } = await countersign(...MINT, 'pro');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('This product is sold as free, team, not as pro. (invalid_request)');
  });

  test('mint for a customer who is not active is refused', async () => {
    await countersign(
      'customers',
      'add',
      'gone',
      '--name',
      'Gone',
      '--email',
      'gone@example.com',
      '--active',
      'no',
    );
    const args = ['mint', '--name', 'Gone', '--email', 'gone@example.com', '--tier', 'core'];
    const { code, stdout, stderr } = await countersign(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('(customer_inactive)');
  });
});

test('against a service without a table, products says what that means', async () => {
  const service = await startTestService();
  try {
    const env = await environmentOf(service);
    const { code, stdout } = await spawnProgram('scripts/cli/main.ts', ['products'], { env }).ended;
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^The service has no table of products: /)]);
  } finally {
    await service.stop();
  }
});

describe('the local stack', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'countersign-products-'));
    mkdirSync(home, { recursive: true });
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  test('sells what is in products.json of its folder, and does not start with a wrong one', async () => {
    writeFileSync(join(home, 'products.json'), JSON.stringify(ROWS));
    const stack = await spawnStack({ home });
    const env = { COUNTERSIGN_HOME: home };
    const { stdout } = await spawnProgram('scripts/cli/main.ts', ['products', '--json'], { env }).ended;
    await stack.stop();
    expect(JSON.parse(stdout).products).toHaveLength(2);

    writeFileSync(join(home, 'products.json'), '[]');
    const { code, stderr } = await launch('start.ts', { env: { PORT: '0', ...env } }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('PRODUCTS_FILE is no table of products.');
  }, 120_000);
});

async function environmentOf(service: TestService): Promise<Record<string, string>> {
  const admin = await service.admin();
  return { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: admin['x-api-key'] };
}
