/**
 * `npm run demo`: the whole story with real requests against the local stack, in a folder that is thrown away.
 * Every step says what happens and fails loudly when something else does.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Client, createClient, ServiceError } from '../shared/client/client.ts';
import { importVerificationKey, type VerificationKey, verifyDocument } from '../shared/client/verify.ts';
import { type Stack, StackError, startStack } from './local/stack.ts';

const SEATS = 5;

/** How long Ctrl-C waits for a stack that is still starting. */
const INTERRUPT_LIMIT_MS = 3_000;

let starting: Promise<Stack> | undefined;
let isInterrupted = false;
let step = 0;

// Before the folder is made, or a Ctrl-C between the two would leave it.
process.once('SIGINT', () => void interrupt());
const home = mkdtempSync(join(tmpdir(), 'countersign-demo-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

try {
  await run();
} catch (error) {
  // Ctrl-C reaches the KMS too, and what fails because of that is no news.
  if (!isInterrupted)
    console.error(error instanceof StackError ? `The demo cannot start. ${error.message}` : error);
  process.exitCode = 1;
}

/** Ctrl-C: the KMS has to end before its folder goes, or it would write there again. */
async function interrupt(): Promise<void> {
  isInterrupted = true;
  const stopped = starting?.then((stack) => stack.stop()).catch(() => {});
  await Promise.race([stopped, setTimeout(INTERRUPT_LIMIT_MS)]);
  process.exit(130);
}

async function run(): Promise<void> {
  process.env.LOG_LEVEL ??= 'ERROR';
  say(
    'Start the service and, in a process of its own, a local KMS that makes an RSA-4096 and an Ed25519 key',
  );
  starting = startStack({ home, port: 0 });
  const stack = await starting;
  const { base_url: baseUrl, license_key: licenseKey, unlimited_license_key: unlimitedKey } = stack.local;
  show(`service at ${baseUrl} (process ${process.pid}), KMS in process ${stack.kms.pid}`);
  try {
    const client = createClient({ baseUrl });
    const document = await takeSeats(client, licenseKey);
    await heartbeatAndRelease(client, licenseKey, document.session_id);
    const keys = await fetchKeys(client);
    await verifyOffline(document.license_data, keys);
    await native(client, unlimitedKey, keys);
  } finally {
    say('Stop both processes');
    await stack.stop();
  }
  console.log(
    '\nThat is the whole story. "npm start" keeps the service running; README.md has a tour with curl.',
  );
}

async function takeSeats(client: Client, licenseKey: string) {
  say(
    `Acquire: ${SEATS} machines take the ${SEATS} seats of a licence, each document signed with RSA-4096 by the KMS`,
  );
  const machines = Array.from({ length: SEATS }, (_, i) => `machine-${i + 1}`);
  const answers = await Promise.all(
    machines.map((hardwareId) =>
      client.acquire({ license_key: licenseKey, hardware_id: hardwareId, nonce: 'n-1' }),
    ),
  );
  const [first] = answers;
  assert(first?.license_data?.signature);
  show(`customer   ${first.license_data.customer.name}`);
  show(`session    ${first.session_id.slice(0, 28)}…`);
  show(`lease ends ${first.lease_expires_at}`);
  show(
    `signature  ${first.license_data.signature_algorithm}, ${first.license_data.signature.length} base64 characters`,
  );

  say('Acquire from a machine that has a seat already: the same session, signed afresh');
  const again = await client.acquire({ license_key: licenseKey, hardware_id: 'machine-1' });
  assert.equal(again.session_id, first.session_id);
  show('same session_id');

  say('Acquire from a sixth machine: refused, nothing signed');
  const refusal = await refused(client.acquire({ license_key: licenseKey, hardware_id: 'machine-6' }));
  assert.equal(refusal.code, 'seats_exhausted');
  show(
    `${refusal.status} ${refusal.code}: ${refusal.message} (next lease ends ${refusal.problem.next_lease_ends_at})`,
  );
  return { session_id: first.session_id, license_data: first.license_data };
}

async function heartbeatAndRelease(client: Client, licenseKey: string, sessionId: string): Promise<void> {
  say('Heartbeat: the lease moves on');
  const { lease_expires_at: leaseEnd } = await client.heartbeat({ session_id: sessionId });
  show(`lease ends ${leaseEnd}`);

  say('Release: the seat is free, and the sixth machine gets it');
  const { released_at: releasedAt } = await client.release({ session_id: sessionId });
  const sixth = await client.acquire({ license_key: licenseKey, hardware_id: 'machine-6' });
  show(`released at ${releasedAt}; machine-6 has session ${sixth.session_id.slice(0, 28)}…`);

  say('Heartbeat of the released session: refused');
  const over = await refused(client.heartbeat({ session_id: sessionId }));
  assert.equal(over.code, 'session_not_found');
  show(`${over.status} ${over.code}: ${over.message}`);
}

async function fetchKeys(client: Client): Promise<VerificationKey[]> {
  say('Fetch the public keys, once; a client would ship with them');
  const { keys } = await client.jwks();
  for (const { kid, alg } of keys) show(`${alg.padEnd(5)} ${kid}`);
  return Promise.all(keys.map(importVerificationKey));
}

async function verifyOffline(document: object, keys: VerificationKey[]): Promise<void> {
  say('Verify the first document offline, with nothing but the public key');
  const text = JSON.stringify(document);
  const scope = { product: 'demo-app', version: '2.4.1', hardwareId: 'machine-1', nonce: 'n-1' };
  const genuine = await verifyDocument(text, { keys, now: Date.now(), scope });
  assert(genuine.valid);
  show(
    `valid: ${genuine.payload.customer.name}, ${genuine.payload.tier}, features ${genuine.payload.features.join(', ')}`,
  );

  say('Verify a copy whose tier was changed from pro to enterprise');
  const tampered = await verifyDocument(text.replace('"tier":"pro"', '"tier":"enterprise"'), {
    keys,
    now: Date.now(),
  });
  assert(!tampered.valid);
  assert.equal(tampered.code, 'signature_invalid');
  show(`${tampered.code}: ${tampered.detail}`);
}

async function native(client: Client, licenseKey: string, keys: VerificationKey[]): Promise<void> {
  say('Acquire the unlimited licence in the native format: a JWS signed with Ed25519');
  const { token } = await client.acquire({
    license_key: licenseKey,
    hardware_id: 'machine-1',
    format: 'jws',
  });
  assert(token);
  const verified = await verifyDocument(token, { keys, now: Date.now() });
  assert(verified.valid);
  show(`${token.slice(0, 60)}… verifies`);
}

async function refused(call: Promise<unknown>): Promise<ServiceError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert(outcome instanceof ServiceError, 'the service should have refused this');
  return outcome;
}

function say(text: string): void {
  step += 1;
  console.log(`\n${step}. ${text}`);
}

function show(text: string): void {
  console.log(`   ${text}`);
}
