/** README.md, word for word: its tour and its verification examples against a running stack. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REPOSITORY, type SpawnedStack, spawnStack } from '../support/spawn-stack.ts';

interface Block {
  readonly language: string;
  readonly file: string;
  readonly code: string;
}

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');
const blocks: Block[] = [...README.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$/gm)].map(
  ([, language = '', file = '', code = '']) => ({ language, file, code }),
);

let folder: string;
let stack: SpawnedStack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-readme-'));
  for (const name of ['shared', 'node_modules']) symlinkSync(join(REPOSITORY, name), join(folder, name));
  stack = await spawnStack({ home: join(folder, '.countersign') });
});

afterAll(async () => {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(command: string, args: string[]): string {
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  return execFileSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, PATH } });
}

test('the first screen shows exactly the two commands', () => {
  expect(blocks[0]).toEqual({
    language: 'sh',
    file: '',
    code: 'npm ci && npm run demo\nnpm ci && npm test\n',
  });
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const mentioned = [...README.matchAll(/`npm run ([\w:]+)`/g)].map(([, name]) => name ?? '');
  expect(mentioned.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

describe('the tour', () => {
  let output: string;

  beforeAll(() => {
    // The commands of operators are a tour of their own: test/cli/licenses.test.ts.
    const tour = blocks.filter(({ language, code }) => language === 'sh' && !/^npm |\bnpx /m.test(code));
    const script = tour.map(({ code }) => code).join('echo; echo ----\n');
    expect(script).toContain('URL=http://127.0.0.1:8080');
    output = run('bash', ['-euc', script.replace('http://127.0.0.1:8080', stack.local.base_url)]);
  });

  test('gets a signed document', () => {
    expect(output).toContain('"signature_algorithm":"RSA_SIGN_PKCS1_4096_SHA256"');
    expect(output).toContain('"nonce":"n-1"');
  });

  test('heartbeats, fills the seats, is refused, validates and releases', () => {
    const parts = output.split('----');
    expect(parts[1]).toContain('"lease_expires_at"');
    expect(parts[2]?.match(/laptop-\d: \d+/g)).toEqual([
      'laptop-2: 200',
      'laptop-3: 200',
      'laptop-4: 200',
      'laptop-5: 200',
      'laptop-6: 409',
    ]);
    expect(parts[2]).toContain('"code":"seats_exhausted"');
    expect(parts[3]).toContain('"valid":true');
    expect(parts[4]).toContain('"released_at"');
  });

  test.each([
    ['ts', process.execPath, 'Société Générale 東京'],
    ['python', 'python3', 'Verified OK'],
  ])('the %s example verifies the document', (language, command, expected) => {
    const example = blocks.find((block) => block.language === language);
    writeFileSync(join(folder, example?.file ?? 'missing'), example?.code ?? '');
    expect(run(command, [example?.file ?? 'missing']).trim()).toBe(expected);
  });
});
