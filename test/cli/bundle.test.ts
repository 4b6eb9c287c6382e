/** `countersign` as operators and buyers get it: built, packed, installed without a network, away from this repository. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import indexes from '../../infra/stores/indexes.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };
import { createProgram } from '../../scripts/cli/program.ts';
import { addStoreCommands } from '../../scripts/cli/store-commands.ts';
import { auditPath } from '../../shared/records/paths.ts';
import { countDocuments } from '../../shared/usecases/reissue.ts';
import { count } from '../support/audit-trail.ts';
import { credentialsIn, openProxy } from '../support/cloud-access.ts';
import { startFirestoreServer } from '../support/firestore/server.ts';
import { type InstalledBundle, installBundle } from '../support/installed-bundle.ts';
import { deskOn } from '../support/license-desk.ts';
import { HEAVY, loadedBy, originsIn, originsOf } from '../support/loaded-modules.ts';
import { ACTIVE, type BeforeRotation, ROOT, startBeforeRotation } from '../support/rotation-operator.ts';
import { secretsIn } from '../support/secrets.ts';
import { seedDocuments } from '../support/seed-documents.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { freePort, REPOSITORY } from '../support/spawn-stack.ts';

let bundle: InstalledBundle;
let service: TestService;
let apiKey: string;
const { issued, openDesk } = deskOn(() => service);

beforeAll(async () => {
  bundle = await installBundle();
  service = await startTestService();
  apiKey = (await service.admin())['x-api-key'];
  await openDesk();
}, 180_000);
afterAll(async () => {
  await service?.stop();
  bundle?.remove();
});

const fileIn = (name: string) => readFileSync(join(bundle.installed, name), 'utf8');
const programFiles = () => bundle.files().filter((path) => path.endsWith('.js'));

test('says its version, and lists what it can do', async () => {
  expect(await bundle.run('--version')).toMatchObject({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
  const help = await bundle.run('--help');
  expect([help.code, help.stderr]).toEqual([0, '']);
  for (const command of addStoreCommands(createProgram()).commands)
    expect(help.stdout).toContain(`\n  ${command.name()} `);
});

test('an operator lists customers, and one without a key is told what is missing', async () => {
  const environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: apiKey };
  const { customers } = await bundle.answered('customers list', environment);
  const ids = customers.map(({ id }: { id: string }) => id);
  expect(ids).toEqual(expect.arrayContaining(['acme-gmbh', 'other-co']));
  expect(await bundle.refused('customers list')).toContain('No service is named');
});

test('a buyer activates a licence without the service, sees its state, and removes it', async () => {
  const holder = { name: 'Zoë Müller', email: 'zoe@example.com' };
  const { id } = await issued({ holder, formats: ['dtlic2'], key_style: 'datatools' });
  const environment = { COUNTERSIGN_URL: service.baseUrl, COUNTERSIGN_API_KEY: apiKey };
  const license = join(bundle.folder, 'zoe.license');
  const delivered = await bundle.run(`licenses deliver ${id} --output "${license}"`, environment);
  expect(delivered).toMatchObject({ code: 0 });
  const keys = join(bundle.folder, 'jwks.json');
  writeFileSync(keys, JSON.stringify(await service.client.jwks()));

  const offline = { COUNTERSIGN_JWKS_FILE: keys };
  await bundle.answered(`activate "${license}" --name "Zoë Müller" --email zoe@example.com`, offline);
  const status = await bundle.answered('status', offline);
  expect(status).toMatchObject({ valid: true, name: 'Zoë Müller', tier: 'pro' });
  const eve = `activate "${license}" --name "Eve" --email eve@example.com`;
  expect(await bundle.refused(eve, offline)).toContain('(holder_mismatch)');
  expect((await bundle.run('deactivate', offline)).code).toBe(0);
  expect(existsSync(join(bundle.folder, 'settings', 'countersign', 'license.json'))).toBe(false);
});

describe('what works on a store and a KMS', () => {
  test('is explained, command by command', async () => {
    const keys = addStoreCommands(createProgram()).commands.find((command) => command.name() === 'keys');
    const lines = [...(keys?.commands.map((command) => `keys ${command.name()}`) ?? []), 'audit verify'];
    const script = lines.map((line) => `countersign ${line} --help`).join(' &&\n');
    const { code, stdout, stderr } = await bundle.shell(script);
    expect([code, stderr]).toEqual([0, '']);
    for (const line of lines) expect(stdout).toContain(`Usage: countersign ${line} `);
    expect(lines.length).toBeGreaterThan(8);
  });

  describe('for a deployment', () => {
    let rotation: BeforeRotation;
    const answered = (line: string) => bundle.answered(line, rotation.operator.environment);
    const refused = (line: string, more = {}) =>
      bundle.refused(line, { ...rotation.operator.environment, ...more });

    beforeEach(async () => {
      rotation = await startBeforeRotation(service.kms);
    });
    afterEach(() => rotation.operator.stop());

    test('rotates a key under a root in the other cloud, and re-issues what the old one signed', async () => {
      const { operator, next, kid } = rotation;
      const { store } = operator;
      expect(await answered('keys status')).toMatchObject({
        keys: [{ kid }, { kid: await operator.kidOf(ROOT.name), use: 'root' }],
        is_published: false,
      });
      expect(await answered('keys publish --yes')).toEqual({ manifest_version: 1 });
      await answered(`keys stage --name ${next.name} --yes`);
      expect(await refused(`keys activate kid=${next.kid} --yes`)).toContain('caches may not have it');
      await operator.publishedAgo(61);
      await answered(`keys activate kid=${next.kid} --yes`);

      const signedByOld = { store, kms: service.kms, key: { name: ACTIVE.name, kid } };
      await seedDocuments(signedByOld, { licenses: 4, barredEvery: 4, twoFormatsEvery: 4 });
      const reissue = `keys reissue --from kid=${kid} --to kid=${next.kid} --yes`;
      expect(await answered(reissue)).toMatchObject({ signed: 3, skipped: 2 });
      expect(await countDocuments({ store }, next.kid)).toBe(3);

      await answered(`keys retire kid=${kid} --yes`);
      const states = { [kid]: 'retired', [next.kid]: 'active' };
      expect(await operator.manifest(ROOT.name)).toMatchObject({ version: 4, states });
      const acts = (await operator.audit()).map(({ action }) => action.replace('keys.', ''));
      expect(acts).toEqual(['publish', 'stage', 'activate', 'reissue', 'reissue', 'retire']);
    });

    test('walks the audit trail, and says where it breaks', async () => {
      const { store, audit } = rotation.operator;
      for (let n = 0; n < 3; n++) await count(store, 'x');
      const { hash } = (await audit()).at(-1) ?? {};
      const whole = { is_whole: true, events: 3, head: { seq: 3, hash }, broken: null };
      expect(await answered('audit verify')).toEqual(whole);
      await store.commit([{ op: 'update', path: auditPath(2), fields: { actor: 'nobody' } }]);
      expect(await refused('audit verify')).toContain('The audit trail is broken at event 2.');
    });

    test('changes nothing without a yes, and nothing while a KMS is down', async () => {
      const { operator } = rotation;
      const before = await operator.everything();
      expect(await bundle.run('keys publish', operator.environment)).toMatchObject({ code: 3 });
      const down = { KMS_ENDPOINT: `127.0.0.1:${await freePort()}` };
      expect(await refused('keys publish --yes', down)).toMatch(
        /\(signing_unavailable\)\n(?:UNAVAILABLE|DEADLINE_EXCEEDED): /,
      );
      expect(await operator.everything()).toBe(before);
    });

    test('publishes into Firestore', async () => {
      const firestore = await startFirestoreServer({ indexes });
      try {
        const environment = {
          ...rotation.operator.environment,
          STORE: 'firestore',
          SQLITE_PATH: '',
          FIRESTORE_PROJECT: 'countersign-test',
          FIRESTORE_EMULATOR_HOST: firestore.host,
        };
        expect(await bundle.answered('keys publish --yes', environment)).toEqual({ manifest_version: 1 });
        const verified = await bundle.answered('audit verify', environment);
        expect(verified).toMatchObject({ is_whole: true, events: 1 });
        const names = Object.keys(firestore.documents());
        expect(names).toContainEqual(expect.stringMatching(/\/signing_keys\/manifest$/));
      } finally {
        await firestore.stop();
      }
    });

    test("asks the clouds themselves with an operator's own credentials", async () => {
      const proxy = await openProxy();
      const { operator } = rotation;
      const environment = {
        ...operator.environment,
        ...credentialsIn(bundle.folder),
        KMS_ENDPOINT: '',
        https_proxy: proxy.url,
        AWS_KMS_ENDPOINT: '',
        AWS_ENDPOINT_URL_KMS: service.kms.awsEndpoint,
      };
      const seen = async () => {
        const { stdout } = await bundle.run('keys status --json', environment);
        const kids = JSON.parse(stdout).keys.map((key: { kid: string | null }) => key.kid);
        return { kids, isGoogleAsked: proxy.asked.includes('cloudkms.googleapis.com:443') };
      };
      try {
        const answer = { kids: [null, await operator.kidOf(ROOT.name)], isGoogleAsked: true };
        // A slow machine may have no time left to ask, and does the next time.
        await expect.poll(seen, { timeout: 50_000 }).toEqual(answer);
      } finally {
        proxy.close();
      }
    });
  });
});

describe('what is loaded', () => {
  const loaded = async (...args: string[]) =>
    originsOf(await loadedBy(join(bundle.installed, 'countersign.js'), args, { HOME: bundle.folder }));
  const heavy = (origins: readonly string[]) => origins.filter((path) => HEAVY.test(path));

  test.each([
    [['--help']],
    [['keys', 'activate', '--help']],
    [['audit', 'verify', '--help']],
    [['completion', 'bash']],
    [['customers', 'list']],
    [['status']],
  ])('%j loads no store, no KMS and no SDK of a cloud', async (args) => {
    const origins = await loaded(...args);
    expect(origins).toContain('scripts/cli/program.ts');
    expect(heavy(origins)).toEqual([]);
  });

  test('a command that works on a KMS and a store does load them', async () => {
    expect(heavy(await loaded('keys', 'status'))).toContain('infra/kms/directory.ts');
    expect(heavy(await loaded('audit', 'verify'))).toContain('infra/stores/sqlite.ts');
  });
});

test('needs no other package', () => {
  const { dependencies, bin, engines } = JSON.parse(fileIn('package.json'));
  expect([dependencies, bin, engines]).toEqual([
    undefined,
    { countersign: 'countersign.js' },
    manifest.engines,
  ]);
  expect(statSync(join(bundle.installed, 'countersign.js')).mode & 0o111).not.toBe(0);
  const foreign = programFiles().flatMap((path) =>
    importsOf(readFileSync(path, 'utf8')).filter((name) => !/^\.{1,2}\//.test(name) && !isBuiltin(name)),
  );
  expect(foreign).toEqual([]);
});

test('exports the names of what is loaded late and was CommonJS, as Node does', () => {
  const texts = programFiles().map((path) => readFileSync(path, 'utf8'));
  expect(texts.filter((text) => /^export default require_\w+\(\);$/m.test(text))).toEqual([]);
  for (const name of ['KMSClient', 'KeyManagementServiceClient', 'PassThroughClient', 'HttpsProxyAgent'])
    expect(texts.filter((text) => new RegExp(`^ +e\\d+ as ${name},?$`, 'm').test(text)).length).toBe(1);
});

/** What the text of a module asks for: by `import`, `import()` and, in what was CommonJS, by `require`. */
function importsOf(text: string): string[] {
  const asked =
    /^(?:import|\} from) .*?"([^"]+)";$|\bimport\("([^"]+)"\)|\b__require\(\s*(?:\/\*.*?\*\/\s*)?"([^"]+)"/gm;
  return [...text.matchAll(asked)].map(([, from, dynamic, required]) => from ?? dynamic ?? required ?? '');
}

test('brings the licence of each package that is in it, and of no other', () => {
  const origins = programFiles().flatMap(originsIn);
  const packages = origins.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  const text = fileIn('THIRD-PARTY-LICENSES.txt');
  const listed = [...text.matchAll(/^(\S+) \d+\.\d+\.\d+\S* \(.+\)$/gm)].map(([, name]) => name);
  expect(new Set(listed)).toEqual(new Set(packages));
  expect(listed).toEqual(expect.arrayContaining(['commander', '@aws-sdk/client-kms', '@google-cloud/kms']));
  // One that has no file with its licence, in its own words.
  expect(text).toMatch(
    /^data-uri-to-buffer .*\n\n\(The MIT License\)\s+Copyright \(c\) 2014 Nathan Rajlich/m,
  );
  for (const section of text.split(/^={80}$/m).slice(1)) expect(section.length).toBeGreaterThan(500);
});

test('names the Node that it needs, which is that of the repository', () => {
  const needed = /NEEDED_MAJOR = (\d+)/.exec(fileIn('countersign.js'))?.[1];
  expect(`>=${needed}`).toBe(manifest.engines.node);
});

test('holds no private key, no HMAC secret, and nothing about the machine that built it', () => {
  expect(bundle.files().length).toBeGreaterThan(programFiles().length + 2);
  for (const path of bundle.files()) {
    const text = readFileSync(path, 'latin1');
    expect([path, secretsIn(text)]).toEqual([path, []]);
    for (const place of [REPOSITORY, bundle.folder])
      expect([path, text.includes(place)]).toEqual([path, false]);
  }
});

test('a secret in any of its programs would be found', () => {
  const planted = `\nconst SIGNING_SECRET = '${'0123456789abcdef'.repeat(4)}';`;
  for (const path of programFiles())
    expect(secretsIn(`${readFileSync(path, 'latin1')}${planted}`)).toEqual(['hmac']);
});
