/** `countersign licenses issue-document` and `deliver --email`, and licence keys that are no arguments. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMailer } from '../../infra/mail.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { countersignOn } from '../support/countersign.ts';
import { deskOn, HOLDER, LIMITS } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { startSmtpServer, type TestSmtp } from '../support/smtp.ts';

const OWN_KEY = 'DT1-CORE-5dd8e1db-d90c4656';

let folder: string;
let service: TestService;
let apiKey: string;
const { issued, openDesk } = deskOn(() => service);
const { run, answered, refused, shell } = countersignOn(() => ({ url: service.baseUrl, apiKey }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-documents-'));
  service = await startTestService({ deadlineMs: 10_000 });
  apiKey = (await service.admin())['x-api-key'];
  await openDesk();
});
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

function keyFile(text: string): string {
  const path = join(folder, `key-${text.length}.txt`);
  writeFileSync(path, text);
  return path;
}

describe('issue-document', () => {
  test('has a licence signed in one more format, once', async () => {
    const { id } = await issued({ limits: LIMITS });
    const first = await answered('licenses', 'issue-document', id, '--format', 'caio-v2');
    expect(first).toMatchObject({ license_id: id, format: 'caio-v2' });
    expect(first.document).toMatch(/^CAIO-v2-acme-gmbh-/);
    expect(await answered('licenses', 'issue-document', id, '--format', 'caio-v2')).toEqual(first);
    expect((await answered('licenses', 'documents', id, '--format', 'caio-v2')).documents).toHaveLength(1);
    const { stdout } = await run(['licenses', 'issue-document', id, '--format', 'caio-v2']);
    expect(stdout).toBe(`${first.document}\n`);
  });

  test('takes the licence key from a file or from standard input, and never as an argument', async () => {
    const { id, license_key } = await issued({ holder: HOLDER });
    const command = ['licenses', 'issue-document', id, '--format', 'dtlic2'];
    expect((await run([...command, '--key', license_key])).code).toBe(2);
    await refused('license_key', ...command);
    const { document } = await answered(...command, '--key-file', keyFile(`${license_key}\n`));
    expect(dtlic2.decode(document).license.licenseId).toBe(license_key);

    const other = await issued({ holder: HOLDER });
    const piped = await shell(
      `echo "${other.license_key}" | countersign licenses issue-document ${other.id} --format dtlic2 --key-file -`,
    );
    expect([piped.code, piped.stderr]).toEqual([0, '']);
    expect(dtlic2.decode(piped.stdout.trim()).license.licenseId).toBe(other.license_key);
  });

  test('is refused with another key, without limits, and of what is not there', async () => {
    const { id } = await issued({ holder: HOLDER });
    const command = ['licenses', 'issue-document', id, '--format'];
    await refused('This is not the key', ...command, 'dtlic2', '--key-file', keyFile(OWN_KEY));
    await refused('(invalid_request)', ...command, 'caio-v2');
    await refused('(license_not_found)', 'licenses', 'issue-document', 'nobody', '--format', 'aegis');
    expect((await run([...command, 'caio-v1'])).code).toBe(2);
  });
});

describe('a key of the operator’s own', () => {
  const mint = (email: string) => ['mint', '--name', 'Ada', '--email', email, '--tier', 'core'];

  test('comes from a file without a word, and as an argument with a warning', async () => {
    const quiet = await answered(...mint('file@example.com'), '--key-file', keyFile(OWN_KEY));
    expect(quiet.license_key).toBe(OWN_KEY);
    const loud = await run([...mint('argument@example.com'), '--key', 'DT1-ARGUMENT', '--json']);
    expect([loud.code, JSON.parse(loud.stdout).license_key]).toEqual([0, 'DT1-ARGUMENT']);
    expect(loud.stderr).toContain('can see a key that is an argument');
    expect(loud.stderr).not.toContain('DT1-ARGUMENT');
  });

  test.each([
    ['a file that is not there', () => join(folder, 'none'), 'cannot be read'],
    ['an empty file', () => keyFile(' \n'), 'must hold one line'],
    ['a file of two lines', () => keyFile('DT1-A\nDT1-B\n'), 'must hold one line'],
  ])('is refused from %s, and no customer is made', async (_, path, sentence) => {
    await refused(sentence, ...mint('nobody@example.com'), '--key-file', path());
    expect((await answered('customers', 'list', '--email', 'nobody@example.com')).total).toBe(0);
  });

  test('is given once', async () => {
    const twice = ['--key', 'DT1-A', '--key-file', keyFile('DT1-A')];
    await refused('either --key-file or --key', ...mint('twice@example.com'), ...twice);
  });
});

describe('deliver --output', () => {
  test.each([
    ['suspended', 'license_suspended', ['suspend'], []],
    ['revoked', 'license_revoked', ['revoke'], ['--yes']],
  ])(
    'of a %s licence is refused as a letter is, and writes it with --anyway',
    async (_, code, change, yes) => {
      const { id, token } = await issued();
      await answered('licenses', ...change, id, '--reason', 'late payment', ...yes);
      const output = join(folder, `${id}.license`);
      for (const to of [['--output', output], []]) {
        const { code: exit, stdout, stderr } = await run(['licenses', 'deliver', id, ...to]);
        expect([exit, stdout]).toEqual([1, '']);
        expect(stderr).toContain(`(${code})`);
      }
      expect(existsSync(output)).toBe(false);
      expect((await run(['licenses', 'deliver', id, '--anyway'])).stdout).toBe(`${token}\n`);
      expect((await run(['licenses', 'deliver', id, '--output', output, '--anyway'])).code).toBe(0);
      expect(readFileSync(output, 'utf8')).toBe(`${token}\n`);
    },
  );

  test('of a licence without a document says so', async () => {
    const { id } = await issued({ formats: [] });
    await refused('(document_not_found)', 'licenses', 'deliver', id);
    await refused('no such document', 'licenses', 'deliver', id, '--anyway');
  });

  test('takes --anyway for no letter', async () => {
    expect((await run(['licenses', 'deliver', 'any', '--email', '--anyway'])).code).toBe(2);
  });
});

describe('deliver --email', () => {
  let smtp: TestSmtp;
  let mailing: Instance;

  beforeAll(async () => {
    smtp = await startSmtpServer();
    const mailer = createMailer({
      url: `smtp://127.0.0.1:${smtp.port}`,
      from: 'licences@example.com',
      deadlineMs: 20_000,
    });
    mailing = await serveBeside(service, { mailer });
  });
  afterAll(async () => {
    await mailing.stop();
    await smtp.stop();
  });

  const deliver = (id: string, ...options: string[]) =>
    run(['licenses', 'deliver', id, ...options], { url: mailing.baseUrl });

  test('sends the newest document to the address of the licence, or to the one that is given', async () => {
    const { id, token } = await issued({ holder: HOLDER });
    const first = await deliver(id, '--email');
    expect([first.code, first.stderr, first.stdout]).toEqual([
      0,
      '',
      `The aegis document of ${id} is on its way.\n`,
    ]);
    const second = await deliver(id, '--email', 'it@acme.example', '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({
      license_id: id,
      format: 'aegis',
      sent: true,
      reason: null,
    });
    expect(smtp.received.slice(-2).map(({ to }) => to)).toEqual([['Ada@example.com'], ['it@acme.example']]);
    const unfolded = smtp.received.at(-1)?.text.replaceAll(/=\r\n|\r\n/g, '');
    expect(unfolded).toContain(token.slice(-40));
  });

  test('needs a format where there are several', async () => {
    const { id } = await issued({ limits: LIMITS, formats: ['aegis', 'caio-v2'] });
    const before = smtp.received.length;
    const vague = await deliver(id, '--email', 'it@acme.example');
    expect([vague.code, vague.stderr]).toEqual([1, expect.stringContaining('Give --format')]);
    expect(smtp.received).toHaveLength(before);
    expect((await deliver(id, '--email', 'it@acme.example', '--format', 'caio-v2')).code).toBe(0);
    expect(smtp.received).toHaveLength(before + 1);
  });

  test('ends with 1 where the service has no mail server, and says what to do', async () => {
    const { id } = await issued();
    const person = await run(['licenses', 'deliver', id, '--email', 'it@acme.example']);
    expect([person.code, person.stdout]).toEqual([1, '']);
    expect(person.stderr).toContain('the service has no mail server');
    const program = await run(['licenses', 'deliver', id, '--email', 'it@acme.example', '--json']);
    expect([program.code, JSON.parse(program.stdout)]).toEqual([
      1,
      expect.objectContaining({ sent: false, reason: 'smtp_not_configured' }),
    ]);
  });

  test('says so when nobody knows whether it was sent', async () => {
    const { id } = await issued();
    smtp.behave({ diesAfterData: true });
    const { code, stdout, stderr } = await deliver(id, '--email', 'it@acme.example').finally(() =>
      smtp.behave({}),
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('It may have been sent');
  });

  test('is refused for an address that the mail server refuses, and for a revoked licence', async () => {
    const { id } = await issued();
    smtp.behave({ refuse: { at: 'to', code: 550 } });
    const { code, stderr } = await deliver(id, '--email', 'gone@example.com').finally(() => smtp.behave({}));
    expect([code, stderr]).toEqual([1, expect.stringContaining('(mail_refused)')]);
    await answered('licenses', 'revoke', id, '--reason', 'left', '--yes');
    const revoked = await deliver(id, '--email', 'it@acme.example');
    expect([revoked.code, revoked.stderr]).toEqual([1, expect.stringContaining('(license_revoked)')]);
  });

  test('does not go with --output', async () => {
    expect((await deliver('any', '--email', '--output', join(folder, 'x'))).code).toBe(2);
  });
});
