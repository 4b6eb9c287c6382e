/** Files that a command was writing when it was killed: the next command that writes the same file removes them. */
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { countersignOn } from '../support/countersign.ts';
import { dtlic2Terms, seal } from '../support/issued-licenses.ts';
import { leaveOver, startWriter } from '../support/left-over.ts';
import { startTestOperator } from '../support/operator.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { ED, keys } from '../support/signed-documents.ts';

let folder: string;
let service: TestService;
let apiKey: string;
const { run, refused } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-left-overs-'));
  service = await startTestService();
  apiKey = (await service.admin())['x-api-key'];
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const BUYER = ['--name', 'Zoë Müller', '--email', 'zoe@example.com'];

test.each([
  ['export', (file: string) => ['export', '--output', file]],
  ['audit export', (file: string) => ['audit', 'export', '--output', file]],
  ['mint', (file: string) => ['mint', ...BUYER, '--tier', 'core', '--output', file]],
  ['activate', (file: string) => ['activate', ...BUYER, '--file', file, ...offline()]],
])('%s removes what a killed one left, and not what another one writes', async (name, args) => {
  const place = join(folder, name);
  mkdirSync(place);
  const file = join(place, 'file');
  await leaveOver(file);
  const writer = await startWriter(file);
  const dead = await leaveOver(file);
  try {
    const { code, stderr } = await run(args(file));
    expect(code, stderr).toBe(0);
    expect([existsSync(dead), existsSync(writer.temporary)]).toEqual([false, true]);
    expect(readdirSync(place)).toHaveLength(2);
    expect(readFileSync(file, 'utf8')).not.toContain('half a');
  } finally {
    await writer.kill();
  }
});

/** A licence of nobody's service, and the keys that it verifies with. */
function offline(): string[] {
  const [license, jwks] = [join(folder, 'ada.license'), join(folder, 'jwks.json')];
  writeFileSync(license, seal(dtlic2, dtlic2Terms({ expires_at: '2100-01-01T00:00:00+00:00' })));
  writeFileSync(jwks, JSON.stringify({ keys: [keys[ED].jwk] }));
  return ['--keys', jwks, license];
}

test('a change of keys removes what a killed one left of the list', async () => {
  const operator = await startTestOperator(service.kms);
  try {
    const dead = await leaveOver(operator.keysFile);
    const name = await operator.newKey('left-over');
    const { code, stderr } = await operator.run(['keys', 'stage', '--name', name, '--yes']);
    expect([code, existsSync(dead)], stderr).toEqual([0, false]);
    expect(operator.states()[name]).toBe('staged');
  } finally {
    await operator.stop();
  }
});

test('what is there and is no file is not replaced', async () => {
  const socket = join(folder, 'socket');
  const server = createServer().listen(socket);
  await once(server, 'listening');
  try {
    for (const place of [folder, socket])
      for (const command of [['export'], ['audit', 'export']])
        await refused(
          `${place} cannot be written: it is there, and is no file.`,
          ...command,
          '--output',
          place,
        );
    expect(statSync(socket).isSocket()).toBe(true);
  } finally {
    server.close();
  }
});
