/**
 * What the examples of the API description are about, as it is in the store before a call: the customer, the licence, its
 * session, its documents and activations, the API key and the certificate that they name.
 */

import { createKeyDirectory } from '../../../infra/kms/directory.ts';
import { createKmsClient } from '../../../infra/kms/google.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import type { ForeignKey } from '../../../shared/keys/registry.ts';
import type { Fields, Write } from '../../../shared/ports/document-store.ts';
import { documentId } from '../../../shared/ports/document-store.ts';
import {
  activationPath,
  certificatePath,
  customerPath,
  documentPath,
  LICENSES,
  licensePath,
  MANIFEST_PATH,
  sessionPath,
} from '../../../shared/records/paths.ts';
import { parseSessionId } from '../../../shared/session-id.ts';
import { apiKeyWrite } from '../../../shared/usecases/create-api-key.ts';
import { CERTIFICATE, MANIFEST } from '../../../shared/wire/examples/service.ts';
import * as example from '../../../shared/wire/examples/values.ts';
import { DAY, LEASE_SECONDS, licenseRecord, SECOND, sessionRecord } from '../records.ts';
import { type Instance, serveBeside } from '../serve-beside.ts';
import type { TestService } from '../service.ts';

/** Of the licences that examples need and do not name. */
const CAIO_LICENSE_ID = '0f6a7f0c-51f5-4c0e-9d51-7c1a3f2f6b90';
const SESSION_LICENSE_ID = 'b5f2c1de-93f4-4a7e-8c39-2a6f5b0c7d18';

const SUNSET = Date.UTC(2999, 0, 1);

/** Public keys of other systems. Those who made the documents of the examples have thrown the private ones away. */
const FOREIGN_KEYS: readonly ForeignKey[] = [
  [example.PUBLIC_KEY_PEM, example.AEGIS_CLAIMS.iss],
  [pem('MCowBQYDK2VwAyEAVmDw6OAXQvs+TNUMT5WWp0fOyECDayZhcpK70dSOTXo='), 'caio'],
  [pem('MCowBQYDK2VwAyEAD48620jSZ67/yGAEGm9hloSJbMauQtqEGNOYaRDDnHQ='), 'datatools'],
].map(([text = '', issuer = '']) => ({
  use: 'verify',
  pem: text,
  algorithm: 'EC_SIGN_ED25519',
  issuer,
  state: 'retiring',
  sunsetAt: SUNSET,
}));

function pem(base64: string): string {
  return `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`;
}

/** An instance over the store of `service` that lists those keys too. */
export async function serveExamples(service: TestService): Promise<Instance> {
  const client = createKmsClient({ endpoint: service.kms.endpoint });
  const keys = createKeyDirectory({
    client,
    keys: [...service.kms.signingKeys, ...FOREIGN_KEYS],
    // No test here is about a KMS that is slow.
    deadlineMs: 20_000,
  });
  const instance = await serveBeside(service, { ports: { keys } });
  return {
    ...instance,
    stop: async () => {
      await instance.stop();
      await client.close();
    },
  };
}

/** Puts everything that the examples name into the store, as it was before any call. */
export async function setScene({ ports }: TestService): Promise<void> {
  const now = ports.clock.now();
  await ports.store.commit([
    ...customers(now),
    ...licenses(ports, now),
    ...session(now),
    ...keys(ports, now),
  ]);
}

const customer = { id: example.CUSTOMER_ID, name: 'ACME GmbH' };

function customers(now: number): Write[] {
  const details = { email: null, company: null, phone: null, address: null, notes: null, is_active: true };
  const at = { created_at: now, updated_at: now };
  return [
    set(customerPath(customer.id), { name: customer.name, ...details, email: 'it@acme.example', ...at }),
    set(customerPath(example.OTHER_CUSTOMER_ID), { name: 'ACME AG', ...details, ...at }),
    set(customerPath('datatools'), { name: 'DataTools', ...details, ...at }),
  ];
}

function licenses({ hasher }: TestService['ports'], now: number): Write[] {
  const main = hasher.hash('license', example.LICENSE_KEY);
  const caio = hasher.hash('license', 'the licence of the CAIO text');
  const common = {
    allowed_major_versions: [16, 17],
    customer,
    customer_id: customer.id,
    product: example.MODULE,
    created_at: now,
    updated_at: now,
  };
  const document = { customer_id: customer.id, replaces: null, issued_at: now };
  const ofMain = { ...document, license_id: example.LICENSE_ID, format: 'aegis', kid: example.KID };
  const { issuedAt } = caioV2.decode(example.CAIO_TEXT).license;
  const ofCaio = {
    ...document,
    ...{ license_id: CAIO_LICENSE_ID, format: 'caio-v2', kid: 'of-caio', issued_at: issuedAt },
  };
  return [
    set(
      licensePath(main),
      licenseRecord({
        ...common,
        license_id: example.LICENSE_ID,
        license_type: 'subscription',
        expires_at: now + 365 * DAY,
        policy: { borrow_max_seconds: 7 * 86_400 },
      }),
    ),
    set(licensePath(caio), licenseRecord({ ...common, license_id: CAIO_LICENSE_ID })),
    set(documentPath(main, 'aegis', example.KID), { ...ofMain, text: example.AEGIS_TOKEN }),
    set(documentPath(caio, 'caio-v2', 'of-caio'), { ...ofCaio, text: example.CAIO_TEXT }),
    set(activationPath(licensePath(main), example.INSTANCE), {
      instance: example.INSTANCE,
      slot: null,
      format: 'caio-v2',
      kid: 'of-caio',
      document: 'd',
      customer_id: customer.id,
      license_type: 'perpetual',
      features: [],
      max_instances: null,
      max_services: null,
      max_requests_per_day: null,
      expires_at: null,
      first_seen_at: now,
      last_seen_at: now,
    }),
  ];
}

/** The session that the id of the examples is made of. */
function session(now: number): Write[] {
  const address = parseSessionId(example.SESSION_ID);
  if (address === undefined) throw new Error('the session id of the examples is none');
  const { license, hardware, generation } = address;
  const other = { id: example.OTHER_CUSTOMER_ID, name: 'ACME AG' };
  return [
    set(
      licensePath(license),
      licenseRecord({ license_id: SESSION_LICENSE_ID, seats: null, customer: other, customer_id: other.id }),
    ),
    set(
      sessionPath(license, hardware),
      sessionRecord({
        generation,
        seat: null,
        started_at: now,
        last_heartbeat_at: now,
        lease_expires_at: now + LEASE_SECONDS * SECOND,
        document_signed_at: now,
        document_expires_at: now + DAY,
      }),
    ),
  ];
}

function keys({ hasher }: TestService['ports'], now: number): Write[] {
  const granted = { name: 'shop', scopes: ['licenses:read'], customer_id: null, expires_at: null } as const;
  const { path, fields } = apiKeyWrite(
    hasher,
    `${example.API_KEY_PREFIX}${'x'.repeat(35)}`,
    { ...granted, scopes: [...granted.scopes] },
    now,
  );
  const published = { published_at: now, expires_at: now + DAY };
  const issued = { issued_at: now, expires_at: now + DAY };
  return [
    set(path, fields),
    set(MANIFEST_PATH, { version: 1, token: MANIFEST, ...published }),
    set(certificatePath(example.KID), { kid: example.KID, issuer_kid: '', chain: CERTIFICATE, ...issued }),
  ];
}

const set = (path: string, fields: object): Write => ({ op: 'set', path, fields: fields as Fields });

/** No licence of the customer is in force any more. */
export async function revokeAllOf({ ports }: TestService, customerId: string): Promise<void> {
  const found = await ports.store.query({
    collection: LICENSES,
    where: [['customer_id', '==', customerId]],
  });
  await ports.store.commit(
    found.map(({ path }) => ({
      op: 'update',
      path: licensePath(documentId(path)),
      fields: { status: 'revoked' },
    })),
  );
}
