/**
 * The API description as others read it: a validator of OpenAPI in Python, and Schemathesis, which makes requests of the
 * description, right ones and wrong ones, and compares each answer with it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, type TestContext, test } from 'vitest';
import { serveExamples, setScene } from '../support/openapi/scene.ts';
import type { Instance } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { installPackages, type PythonPackages, skipWithout } from './python-packages.ts';

/** Pinned: another release asks other questions. */
const PACKAGES = ['openapi-spec-validator==0.9.0', 'schemathesis==4.32.5'];

/** Those that judge answers by the description. Rules between members, which a schema cannot tell, are for other tests. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
];

/** Some ten times what an idle machine needs for the packages, and for the requests. */
const LIMIT_MS = 300_000;

const run = promisify(execFile);

let folder: string;
let packages: PythonPackages;
let service: TestService;
let instance: Instance;

/** Skips the test without it. */
function program(context: TestContext, name: string): string {
  const { bin, reason } = packages;
  return bin === undefined ? skipWithout(context, reason) : join(bin, name);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-openapi-'));
  packages = await installPackages(folder, PACKAGES);
  service = await startTestService();
  instance = await serveExamples(service);
  await setScene(service);
}, LIMIT_MS);

afterAll(async () => {
  await instance?.stop();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('it is valid OpenAPI 3.1', async (context) => {
  const validator = program(context, 'openapi-spec-validator');
  const path = await saved('openapi.json', (document) => document);
  const { stdout } = await run(validator, [path]);
  expect(stdout).toContain('OK');
});

test(
  'whatever is sent, it is answered as described, and never with a failure of the service',
  async (context) => {
    const schemathesis = program(context, 'schemathesis');
    const credentials = await service.admin();
    const args = [
      ...['run', await saved('unguarded.json', withoutSecurity), '--url', instance.baseUrl],
      ...['--checks', CHECKS.join(',')],
      ...['--phases', 'examples,fuzzing', '--max-examples', '10', '--seed', '1'],
      // It takes `application/jwt` for JSON, and a JWT is none; and it would find its own key and revoke it.
      ...['--exclude-operation-id', 'getKeyManifest', '--exclude-operation-id', 'revokeApiKey'],
      ...['--header', `X-API-Key: ${credentials['x-api-key']}`, '--warnings', 'off', '--no-color'],
    ];
    expect(await reportOf(run(schemathesis, args, { cwd: folder }))).toContain('No issues found');
    // Whoever is refused everywhere finds nothing.
    const trail = await fetch(new URL('/api/v1/admin/audit-logs', instance.baseUrl), {
      headers: credentials,
    });
    expect((await trail.json()) as object).toMatchObject({ total: expect.toSatisfy((total) => total > 20) });
  },
  LIMIT_MS,
);

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

async function saved(name: string, change: (document: Described) => object): Promise<string> {
  const path = join(folder, name);
  const response = await fetch(new URL('/openapi.json', instance.baseUrl));
  writeFileSync(path, JSON.stringify(change((await response.json()) as Described)));
  return path;
}

/** Otherwise it guesses keys, and is slowed as whoever guesses is. */
function withoutSecurity(document: Described): object {
  const paths = Object.entries(document.paths).map(([path, methods]) => {
    const open = Object.entries(methods).map(([method, row]) => [method, { ...row, security: [] }] as const);
    return [path, Object.fromEntries(open)] as const;
  });
  return { ...document, paths: Object.fromEntries(paths) };
}

/** What a program wrote, whether it succeeded or not. */
async function reportOf(running: Promise<{ stdout: string }>): Promise<string> {
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    if (stdout === undefined) throw error;
    return `${stdout}${stderr}`;
  }
}
