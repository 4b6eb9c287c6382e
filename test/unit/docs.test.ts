/** The docs and the code say the same: endpoints, error codes, environment variables, stored fields. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { adminEndpoints } from '../../functions/admin/endpoints.ts';
import { aboutEndpoints } from '../../functions/http/about.ts';
import { docsEndpoints } from '../../functions/http/docs.ts';
import { openApiDocument } from '../../functions/http/openapi.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { manifestEndpoints } from '../../functions/keys/manifest.ts';
import { licenseEndpoints } from '../../functions/licenses/endpoints.ts';
import { licensingEndpoints } from '../../functions/licensing/endpoints.ts';
import { maintenanceEndpoints } from '../../functions/maintenance/endpoints.ts';
import { CONFIG_SCHEMA } from '../../infra/config.ts';
import { FIELD_INDEXES } from '../../infra/stores/indexes.ts';
import { ERRORS } from '../../shared/errors.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { activationRecord } from '../../shared/records/activation.ts';
import { apiKeyRecord } from '../../shared/records/api-key.ts';
import { auditHeadRecord, auditRecord } from '../../shared/records/audit.ts';
import { customerRecord } from '../../shared/records/customer.ts';
import { deliveryRecord } from '../../shared/records/delivery.ts';
import { documentRecord } from '../../shared/records/document.ts';
import { idempotencyRecord } from '../../shared/records/idempotency.ts';
import { licenseRecord } from '../../shared/records/license.ts';
import { certificateRecord, manifestRecord } from '../../shared/records/manifest.ts';
import { reminderRecord } from '../../shared/records/reminder.ts';
import { sessionRecord } from '../../shared/records/session.ts';
import { usageRecord } from '../../shared/records/usage.ts';
import { VERIFICATION_CODES } from '../../shared/verification.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Source files of the product. */
const sources = globSync('{functions,infra,shared,scripts}/**/*.{ts,js}', { cwd: ROOT });

/** First cells of the table rows under a heading (or of the whole page), without the backticks. */
function firstCells(page: string, heading?: string): string[] {
  const text =
    heading === undefined ? page : (page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '');
  const rows = text.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, cell]) => cell ?? ''),
  );
}

const sorted = (items: Iterable<string>) => [...items].sort();

describe('docs/errors.md', () => {
  const page = read('docs/errors.md');
  const [errors, verification] = page.split('## Documents that do not hold');

  test('lists every code with its status, and no other', () => {
    const rows = [...(errors ?? '').matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(
      ([, code, status]) => `${code} ${status}`,
    );
    expect(sorted(rows)).toEqual(
      sorted(Object.entries(ERRORS).map(([code, { status }]) => `${code} ${status}`)),
    );
  });

  test('lists every verification code, and no other', () => {
    expect(sorted(firstCells(verification ?? ''))).toEqual(sorted(Object.keys(VERIFICATION_CODES)));
  });

  test('names no code that nothing throws', () => {
    const code = sources
      .filter((path) => !path.endsWith('shared/errors.ts') && !path.endsWith('openapi.ts'))
      .map(read)
      .join('\n');
    const unused = Object.keys(ERRORS).filter((name) => !code.includes(`'${name}'`));
    expect(unused).toEqual([]);
  });
});

describe('docs/api.md', () => {
  const nothing = {} as Ports;
  const own = [
    ...licenseEndpoints(nothing, { issuer: '', clockSkewSeconds: 0 }),
    ...licensingEndpoints(nothing, { issuer: '', clockSkewSeconds: 0 }),
    ...keyEndpoints(nothing.keys),
    ...manifestEndpoints(nothing.store, nothing.keys, () => {}),
    ...maintenanceEndpoints(nothing, { issuer: '', clockSkewSeconds: 0 }),
    ...adminEndpoints(nothing, { issuer: '', clockSkewSeconds: 0 }),
    ...aboutEndpoints(nothing, { name: '', version: '', environment: '', issuer: '' }),
  ];
  const endpoints = [...own, ...docsEndpoints(own, '')];
  const calls = endpoints.map(({ method, path }) => `${method} ${path}`);

  test('lists every endpoint, and no other', () => {
    const listed = firstCells(read('docs/api.md')).filter((cell) => /^[A-Z]+ \//.test(cell));
    expect(sorted(listed)).toEqual(sorted(calls));
  });

  test('and so does the OpenAPI document, with a schema for every body', () => {
    const document = openApiDocument(endpoints, '1.0.0') as {
      paths: Record<string, Record<string, { requestBody?: { content: object }; responses: object }>>;
    };
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(sorted(described)).toEqual(sorted(calls));
    for (const methods of Object.values(document.paths)) {
      expect(methods.post?.requestBody?.content ?? { 'application/json': {} }).toHaveProperty([
        'application/json',
      ]);
    }
  });
});

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md');

  test('lists every variable of the functions, and no other', () => {
    expect(sorted(firstCells(page, 'Functions'))).toEqual(sorted(Object.keys(CONFIG_SCHEMA.shape)));
  });

  test('lists every variable that the code reads anywhere', () => {
    const code = sources.map(read).join('\n');
    const names = [...code.matchAll(/process\.env\.([A-Z_0-9]+)/g)].map(([, name]) => name ?? '');
    const documented = new Set([...firstCells(page), 'PATH']);
    expect([...new Set(names)].filter((name) => !documented.has(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(0);
    for (const name of firstCells(page, 'Local stack')) expect(code).toContain(name);
  });
});

describe('docs/storage-schema.md', () => {
  const page = read('docs/storage-schema.md');
  const records: [string, z.ZodObject][] = [
    ['`licenses/{L}`', licenseRecord],
    ['`licenses/{L}/sessions/{H}`', sessionRecord],
    ['`licenses/{L}/documents/', documentRecord],
    ['`licenses/{L}/deliveries/', deliveryRecord],
    ['`licenses/{L}/reminders/', reminderRecord],
    ['`licenses/{L}/activations/', activationRecord],
    ['`usage/', usageRecord],
    ['`idempotency/', idempotencyRecord],
    ['`signing_keys/manifest`', manifestRecord],
    ['`signing_keys/{kid}`', certificateRecord],
    ['`audit/', auditRecord],
    ['`audit_chain/head`', auditHeadRecord],
    ['`customers/', customerRecord],
    ['`api_keys/', apiKeyRecord],
  ];

  test.each(records)('lists every field of %s, and no other', (heading, schema) => {
    const part =
      page.split(/^## /m).find((text) => text.startsWith(`${heading}`) && text.includes('| field |')) ?? '';
    expect(sorted(firstCells(part))).toEqual(sorted(Object.keys(schema.shape)));
  });

  test('lists every indexed field', () => {
    expect(FIELD_INDEXES.length).toBeGreaterThan(0);
    for (const { collectionGroup, field } of FIELD_INDEXES)
      expect(page).toContain(`${collectionGroup}.${field}`);
  });
});

describe('links', () => {
  const pages = globSync('{*.md,docs/**/*.md}', { cwd: ROOT });

  test.each(pages)('of %s lead to files that exist', (path) => {
    const targets = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target ?? '');
    expect(targets.filter((target) => !existsSync(join(ROOT, path, '..', target)))).toEqual([]);
  });
});
