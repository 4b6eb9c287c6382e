/** `countersign keys reissue` on ten thousand licences: killed, run twice at once, and without its KMS. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { verifyLicense } from '../../shared/client/verify-license.ts';
import { decodeIssued, ISSUED_FORMATS } from '../../shared/formats/issued.ts';
import { type DocumentRecord, documentRecord } from '../../shared/records/document.ts';
import { licensePath } from '../../shared/records/paths.ts';
import { countDocuments } from '../../shared/usecases/reissue.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { ACTOR, startTestOperator, TEST_ARNS, type TestOperator } from '../support/operator.ts';
import { hashAt, reasonAt, seedDocuments } from '../support/seed-documents.ts';
import { type Program, waitUntil } from '../support/spawn-stack.ts';

const ED25519 = 'EC_SIGN_ED25519';
/** What a killed run may have signed and not stored: what it works on at a time. */
const UNDER_WAY = 16;
const LONG_MS = 180_000;

let kms: TestKms;
let operator: TestOperator;
let tests = 0;
let from: { name: string; kid: string };
let to: { name: string; kid: string };

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  operator = await startTestOperator(kms);
  tests += 1;
  const name = await operator.newKey(`reissue-${tests}`);
  from = { name: TEST_KEYS.ed25519, kid: await operator.kidOf(TEST_KEYS.ed25519) };
  to = { name, kid: await operator.kidOf(name) };
  operator.write([
    { name: from.name, algorithm: ED25519, state: 'retiring', sunset_at: '2100-01-01T00:00:00Z' },
    { name: to.name, algorithm: ED25519 },
    { name: TEST_KEYS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'root' },
  ]);
});
afterEach(async () => {
  await kms.setFault(null);
  await operator.stop();
});

function argumentsOf(...more: string[]): string[] {
  return ['keys', 'reissue', '--from', from.kid, '--to', to.kid, '--yes', '--json', ...more];
}

/** Runs it to its end, which is a good one; its totals. */
async function totals(...more: string[]): Promise<Record<string, number>> {
  const { code, stdout, stderr } = await operator.run(argumentsOf(...more));
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const signatures = async () => (await kms.stats()).signs.succeeded;
const onRecord = (kid: string) => countDocuments({ store: operator.store }, kid);

/** All documents of a key, by the licence's path and the format. */
async function documentsOf(kid: string): Promise<Map<string, DocumentRecord>> {
  const found = await operator.store.query({
    group: 'documents',
    where: [['kid', '==', kid]],
    limit: 100_000,
  });
  return new Map(
    found.map(({ path, fields }) => {
      const record = documentRecord.parse(fields);
      return [`${path.split('/')[1]} ${record.format}`, record];
    }),
  );
}

interface ReportLine {
  readonly license_id: string;
  readonly customer_id: string;
  readonly format: 'aegis' | 'dtlic2';
  readonly outcome: string;
  readonly reason: string | null;
  readonly old: { readonly kid: string; readonly document: string };
  readonly new: { readonly kid: string; readonly document: string } | null;
}

function readReport(path: string): ReportLine[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as ReportLine);
}

/** Reports of the same name that runs are writing, or have left behind. */
function unfinished(report: string): string[] {
  return readdirSync(dirname(report)).filter((name) => name.startsWith(`${basename(report)}.`));
}

/** The claims, but for the key and the time, which differ. */
function contentOf({ format, text }: DocumentRecord): object {
  const { claims } = ISSUED_FORMATS[format as 'aegis' | 'dtlic2'].decode(text).license;
  return { ...claims, iat: 0, issued_at: 0, kid: '' };
}

async function expectGenuine(fresh: Iterable<DocumentRecord>): Promise<void> {
  const keys = [await operator.publicKey(to.name)];
  for (const { text } of fresh) {
    const result = await verifyLicense(text, { keys, now: Date.now() });
    expect(result).toMatchObject({ valid: true, kid: to.kid });
  }
}

describe('ten thousand licences', () => {
  const seeding = { licenses: 10_000, barredEvery: 33, twoFormatsEvery: 200 };
  const places = Array.from({ length: seeding.licenses }, (_, place) => place);
  const skipped = places.filter((place) => reasonAt(place, seeding) !== undefined);
  const second = places.filter((place) => place % seeding.twoFormatsEvery === 0);
  const skippedDocuments = skipped.length + second.filter((place) => skipped.includes(place)).length;
  const signed = seeding.licenses + second.length - skippedDocuments;

  test('each active one has one document more, though the run was killed five times', {
    timeout: LONG_MS,
  }, async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, seeding);
    const before = await documentsOf(from.kid);
    expect([before.size, skipped.length, second.length]).toEqual([10_050, 304, 50]);
    const report = join(operator.folder, 'report.jsonl');
    const [atFirst, everything] = [await signatures(), await operator.everything()];

    expect(await totals('--dry-run')).toMatchObject({
      would_sign: signed,
      skipped: skippedDocuments,
      signed: 0,
    });
    expect([await signatures(), await onRecord(to.kid)]).toEqual([atFirst, 0]);
    expect(await operator.everything()).toBe(everything);

    for (const mark of [300, 1500, 3000, 4500, 6000]) {
      const program = operator.start(argumentsOf('--rate', '10000', '--report', report));
      await waitUntil(program, async () => (await onRecord(to.kid)) >= mark);
      program.kill('SIGKILL');
      expect((await program.ended).signal).toBe('SIGKILL');
      expect(await onRecord(to.kid)).toBeLessThan(signed);
      expect(existsSync(report)).toBe(false);
      expect(unfinished(report)).toEqual([expect.stringContaining(`.${program.pid}.`)]);
    }
    const killedAt = await onRecord(to.kid);
    const answer = await totals('--rate', '10000', '--report', report);
    expect(answer).toEqual({
      signed: signed - killedAt,
      signed_before: killedAt,
      would_sign: 0,
      skipped: skippedDocuments,
    });
    const spent = (await signatures()) - atFirst;
    expect(spent).toBeGreaterThanOrEqual(signed);
    expect(spent).toBeLessThanOrEqual(signed + 5 * UNDER_WAY);

    const fresh = await documentsOf(to.kid);
    expect(fresh.size).toBe(signed);
    expect(await documentsOf(from.kid)).toEqual(before);
    for (const [place, old] of before) {
      const isSkipped = reasonAt(Number.parseInt(place, 16), seeding) !== undefined;
      const document = fresh.get(place);
      expect(document === undefined).toBe(isSkipped);
      if (document === undefined) continue;
      expect(contentOf(document)).toEqual(contentOf(old));
      expect(document).toMatchObject({
        license_id: old.license_id,
        customer_id: old.customer_id,
        replaces: from.kid,
      });
    }
    await expectGenuine(fresh.values());

    expect(unfinished(report)).toEqual([]);
    expect(statSync(report).mode & 0o777).toBe(0o600);
    const lines = readReport(report);
    expect(lines).toHaveLength(before.size);
    const reported = new Map(lines.map((line) => [`${line.license_id} ${line.format}`, line]));
    expect(reported.size).toBe(before.size);
    for (const [place, old] of before) {
      const { text } = fresh.get(place) ?? {};
      const line = reported.get(`${old.license_id} ${old.format}`);
      expect(line).toMatchObject({
        reason: reasonAt(Number.parseInt(place, 16), seeding) ?? null,
        old: { kid: from.kid, document: old.text },
        new: text === undefined ? null : { kid: to.kid, document: text },
      });
    }

    const after = await signatures();
    expect(await totals('--rate', '10000')).toMatchObject({ signed: 0, signed_before: signed });
    expect([await signatures(), await onRecord(to.kid)]).toEqual([after, signed]);
    const begun = { to: to.kid, documents: before.size, status: 'begun' };
    const ended = { ...begun, ...answer, status: 'ended' };
    const isAfter = (event: { readonly before: unknown }) => event.before !== null;
    const events = await operator.audit();
    expect(events).toMatchObject([
      ...Array.from({ length: 6 }, () => ({ before: null, after: begun })),
      { before: { status: 'begun' }, after: ended },
      { after: begun },
      { after: { ...ended, signed: 0, signed_before: signed } },
    ]);
    expect(events.filter(isAfter)).toHaveLength(2);
    for (const event of events)
      expect(event).toMatchObject({ actor: ACTOR, action: 'keys.reissue', target: from.kid });
  });
});

describe('some hundred licences', () => {
  const seeding = { licenses: 220, barredEvery: 50, twoFormatsEvery: 1000 };
  // Places 0, 50, 100, 150 and 200 are skipped; the first one has two documents.
  const [signed, all] = [215, 221];

  test('two runs at once give one document each, and both report the same', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, seeding);
    const reports = ['one', 'two'].map((name) => join(operator.folder, name));
    await Promise.all(reports.map((report) => totals('--rate', '10000', '--report', report)));
    expect(await onRecord(to.kid)).toBe(signed);
    const fresh = await documentsOf(to.kid);
    await expectGenuine(fresh.values());
    const texts = [...fresh.values()].map(({ text }) => text).sort();
    for (const report of reports) {
      const handedOut = readReport(report).flatMap((line) => line.new?.document ?? []);
      expect(handedOut.sort()).toEqual(texts);
    }
  });

  test('runs at once with one report leave one that is whole, and clear away what killed ones left', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, seeding);
    const report = join(operator.folder, 'report.jsonl');
    const asOf = ({ pid }: Program) => expect.stringContaining(`.${pid}.`);
    const slowly = async (sum: number) => {
      const program = operator.start(argumentsOf('--rate', '0.01', '--report', report));
      await waitUntil(program, () => unfinished(report).length === sum);
      return program;
    };
    const [writing, killed] = [await slowly(1), await slowly(2)];
    killed.kill('SIGKILL');
    await killed.ended;

    const fast = ['--rate', '10000', '--report', report];
    await Promise.all([totals(...fast), totals(...fast)]);
    expect(unfinished(report)).toEqual([asOf(writing)]);
    const lines = readReport(report);
    expect(lines).toHaveLength(all);
    expect(new Set(lines.map((line) => `${line.license_id} ${line.format}`)).size).toBe(all);

    writing.kill('SIGKILL');
    await writing.ended;
    await totals(...fast);
    expect(unfinished(report)).toEqual([]);
  });

  test('a report that cannot be written is told before anything is signed', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, { ...seeding, licenses: 2 });
    const missing = join(operator.folder, 'no', 'such', 'report.jsonl');
    for (const [report, why] of [
      [missing, 'ENOENT: '],
      [operator.folder, 'it is there, and is no file.'],
    ] as const) {
      const { code, stdout, stderr } = await operator.run(argumentsOf('--report', report));
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr.startsWith(`${report} cannot be written: ${why}`), stderr).toBe(true);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
    expect(await onRecord(to.kid)).toBe(0);
  });

  test('a KMS that fails on the way ends it with a sentence, and the next run completes it', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, seeding);
    const report = join(operator.folder, 'report.jsonl');
    writeFileSync(report, 'an earlier report');
    const program = operator.start(argumentsOf('--rate', '100', '--report', report));
    await waitUntil(program, async () => (await onRecord(to.kid)) >= 30);
    await kms.setFault({ kind: 'permission_denied' });
    const { code, stdout, stderr } = await program.ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^The signing service refused; .+ \(signing_unavailable\)\nPERMISSION_DENIED: .+\n$/,
    );
    const stopped = await onRecord(to.kid);
    expect(stopped).toBeGreaterThanOrEqual(30);
    expect(stopped).toBeLessThan(signed);
    expect(await operator.audit()).toMatchObject([
      { after: { status: 'begun', documents: all } },
      { before: { status: 'begun' }, after: { status: 'stopped', signed: stopped, signed_before: 0 } },
    ]);
    expect(readFileSync(report, 'utf8')).toBe('an earlier report');

    await kms.setFault(null);
    expect(await totals('--rate', '10000', '--report', report)).toMatchObject({
      signed: signed - stopped,
      signed_before: stopped,
    });
    expect(await onRecord(to.kid)).toBe(signed);
    expect(readReport(report)).toHaveLength(all);
  });

  test('at a rate, the KMS is never asked more often', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, seeding);
    const rate = 60;
    const program = operator.start(argumentsOf('--rate', String(rate)));
    const { begunAfter, counts } = await watch(program);
    for (const { count, at } of counts)
      expect(count).toBeLessThanOrEqual((rate * (at - begunAfter)) / 1000 + UNDER_WAY + 1);
    expect((await program.ended).code).toBe(0);
    expect(await onRecord(to.kid)).toBe(signed);
    expect(counts.at(-1)?.count).toBe(signed);
  });

  /** How many signatures there were, and when at the latest; the first of them was not before `begunAfter`. */
  async function watch(program: Program) {
    const atFirst = await signatures();
    const counts: { count: number; at: number }[] = [];
    let begunAfter = Date.now();
    await waitUntil(program, async () => {
      const asked = Date.now();
      const count = (await signatures()) - atFirst;
      if (count === 0) begunAfter = asked;
      else counts.push({ count, at: Date.now() });
      return count >= signed;
    });
    return { begunAfter, counts };
  }

  test('a key that does not sign, and the same key twice, are refused', async () => {
    const refusal = async (...args: string[]) => {
      const { code, stderr } = await operator.run(['keys', 'reissue', '--yes', ...args]);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await refusal('--from', to.kid, '--to', from.kid)).toContain(
      `${from.kid} is no active licence key`,
    );
    expect(await refusal('--from', to.kid, '--to', to.kid)).toBe('--from and --to are the same key.\n');
    const root = await operator.kidOf(TEST_KEYS.rsa);
    expect(await refusal('--from', from.kid, '--to', root)).toContain(`${root} is no active licence key`);
  });

  test('a key of another algorithm is refused, in a dry run too, and nothing is recorded', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, { ...seeding, licenses: 2 });
    const rsa = { name: TEST_ARNS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' };
    operator.write([
      { name: from.name, algorithm: ED25519 },
      rsa,
      { name: TEST_KEYS.rsa, algorithm: rsa.algorithm, use: 'root' },
    ]);
    const kid = await operator.kidOf(rsa.name);
    for (const more of ['--yes', '--dry-run']) {
      const args = ['keys', 'reissue', '--from', from.kid, '--to', kid, more];
      expect(await operator.run(args)).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `${from.kid} signs with ${ED25519} and ${kid} with ${rsa.algorithm}: a licence keeps its algorithm. Name keys of one algorithm.\n`,
      });
    }
    expect([await onRecord(kid), await operator.audit()]).toEqual([0, []]);
  });

  test('the report is for whoever has the licence now, and has nothing for whoever had it', async () => {
    await seedDocuments({ store: operator.store, kms, key: from }, { ...seeding, barredEvery: 1000 });
    const customer = { id: 'customer-new', name: 'Eve' };
    // The first has a document in AEGIS, which names its customer, and one in DTLIC2, which names its holder alone.
    await operator.store.commit([
      {
        op: 'update',
        path: licensePath(hashAt(0)),
        fields: { status: 'active', customer, customer_id: customer.id },
      },
    ]);
    const report = join(operator.folder, 'report.jsonl');
    await totals('--rate', '10000', '--report', report);
    const lines = readReport(report);
    const former = lines.filter(({ old }) => old.document.startsWith('eyJ')).at(-1);
    expect(former).toMatchObject({ reason: 'license_transferred', customer_id: 'customer-0', new: null });
    const [delivered] = lines.filter(({ format }) => format === 'dtlic2');
    expect(delivered).toMatchObject({ outcome: 'signed', customer_id: customer.id });
    const others = lines.filter((line) => line !== former && line !== delivered);
    expect(others.every((line) => line.outcome === 'signed')).toBe(true);
    for (const { customer_id, new: fresh } of others)
      expect(decodeIssued(fresh?.document ?? '')?.license.customer.id).toBe(customer_id);
  });
});
