/**
 * Licences in every format, byte for byte, from what is granted to the text that a client receives. Python wrote and signed
 * them without any code of ours.
 */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyDocument } from '../../../shared/client/verify.ts';
import { verifyLicense } from '../../../shared/client/verify-license.ts';
import { DocumentError } from '../../../shared/formats/format.ts';
import { FORMATS } from '../../../shared/formats/index.ts';
import {
  type DecodedLicense,
  type DecodedMacLicense,
  decodeIssued,
  ISSUED_FORMATS,
  type IssuedFormat,
} from '../../../shared/formats/issued.ts';
import { RENDERINGS } from '../../../shared/usecases/issue-document.ts';
import { payloadOf, signDocument } from '../../../shared/usecases/license-document.ts';
import { sessionRecord } from '../../support/records.ts';
import { ED, KINDS } from '../../support/signed-documents.ts';
import {
  type LicenseVector,
  oneBitChanges,
  recordedKeys,
  type SessionVector,
  signatureIn,
  termsOf,
  vectorKeys,
  vectors,
} from '../../support/vectors.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const { licenses, sessions, macs } = vectors;

/** Those of ours, with what was granted. */
const issuable = licenses.flatMap((vector) =>
  vector.terms === null ? [] : [{ ...vector, granted: termsOf(vector.terms) }],
);

/** Changes of one bit are many, so they are made in one licence of each format and algorithm. */
function oneOfEach<Vector extends LicenseVector | SessionVector>(all: readonly Vector[]): Vector[] {
  return [...new Map(all.map((vector) => [`${vector.format} ${vector.algorithm}`, vector])).values()];
}

const verifiesLicense = async ({ license }: LicenseVector, text: string) =>
  (await verifyLicense(text, { keys: vectorKeys, now: license.issuedAt })).valid;
const verifiesSession = async ({ payload }: SessionVector, text: string) =>
  (await verifyDocument(text, { keys: vectorKeys, now: Date.parse(payload.signed_at) })).valid;

describe('a licence that is issued as text', () => {
  test.each(issuable)('$title: is rendered from its terms, byte for byte', async (vector) => {
    const rendered = await RENDERINGS[vector.format].sign(recordedKeys(vector), vector.granted);
    expect(rendered).toEqual({ kid: vector.kid, text: vector.text });
  });

  test.each(licenses.filter(({ own }) => own))('$title: is assembled of payload and signature', (vector) => {
    const { kid, algorithm, payload, text } = vector;
    const format: IssuedFormat<never> = ISSUED_FORMATS[vector.format];
    const key = { kid, algorithm };
    expect(hex(format.signedBytes(payload as never, key))).toBe(vector.signed_hex);
    expect(format.encode(payload as never, { ...key, bytes: signatureIn(vector) })).toBe(text);
  });

  test.each(licenses)('$title: is what was signed', (vector) => {
    const decoded = decodeIssued(vector.text) as DecodedLicense;
    expect(hex(decoded.signedBytes)).toBe(vector.signed_hex);
    expect(hex(decoded.signature)).toBe(hex(signatureIn(vector)));
    expect(decoded.algorithms).toEqual([vector.algorithm]);
    expect(decoded.kid).toBe(vector.format === 'caio-v2' ? undefined : vector.kid);
    const kid = vector.format === 'dtlic2' ? { kid: vector.kid } : {};
    const claims = { ...vector.payload, ...kid };
    expect(decoded.license).toEqual({ format: vector.format, ...vector.license, claims });
  });

  test.each(licenses)('$title: verifies, by the key that signed it', async ({ text, license, kid }) => {
    const now = license.issuedAt;
    expect(await verifyLicense(text, { keys: vectorKeys, now })).toMatchObject({ valid: true, kid });
    const others = vectorKeys.filter((key) => key.kid !== kid);
    expect(await verifyLicense(text, { keys: others, now })).toMatchObject({ valid: false });
  });

  test.each(oneOfEach(licenses))('$title: is refused with any one bit changed', async (vector) => {
    expect(await verifiesLicense(vector, vector.text)).toBe(true);
    const believed = await believedOf(vector.text, (text) => verifiesLicense(vector, text));
    expect(believed).toEqual([]);
  });
});

describe('a session', () => {
  test.each(sessions)('$title: is signed from its terms, byte for byte', async (vector) => {
    const { terms, session, format, algorithm } = vector;
    const leaseEnd = terms.issued_at + session.lease_seconds * 1000;
    const record = sessionRecord({
      borrowed: session.borrowed,
      lease_expires_at: leaseEnd,
      document_signed_at: terms.issued_at,
      document_expires_at: leaseEnd + session.offline_grace_seconds * 1000,
    });
    const asked = { hardwareId: session.hardware_id, nonce: session.nonce ?? undefined, format };
    const { license, issuer, licenseKey } = termsOf(terms);
    const payload = payloadOf(license, record, session.session_id, { ...asked, licenseKey }, issuer);
    expect(payload).toEqual(vector.payload);
    const document = await signDocument(recordedKeys(vector), algorithm, format, payload);
    const text = 'token' in document ? document.token : JSON.stringify(document.license_data);
    expect(text).toBe(vector.text);
  });

  test.each(sessions)('$title: is what was signed', (vector) => {
    const decoded = FORMATS[vector.format].decode(vector.text);
    expect(hex(decoded.signedBytes)).toBe(vector.signed_hex);
    expect(hex(decoded.signature)).toBe(hex(signatureIn(vector)));
    expect(decoded.kid).toBe(vector.kid);
  });

  test.each(sessions)('$title: verifies, by the key that signed it', async ({ text, payload, kid }) => {
    const now = Date.parse(payload.signed_at);
    expect(await verifyDocument(text, { keys: vectorKeys, now })).toMatchObject({ valid: true, kid });
    const others = vectorKeys.filter((key) => key.kid !== kid);
    expect(await verifyDocument(text, { keys: others, now })).toMatchObject({ code: 'unknown_key' });
  });

  test.each(oneOfEach(sessions))('$title: is refused with any one bit changed', async (vector) => {
    expect(await verifiesSession(vector, vector.text)).toBe(true);
    const believed = await believedOf(vector.text, (text) => verifiesSession(vector, text));
    expect(believed).toEqual([]);
  });
});

describe('a licence with a MAC', () => {
  test.each(macs)('$title: is what the MAC is of', ({ text, message_hex, mac_hex, payload, license }) => {
    const decoded = decodeIssued(text) as DecodedMacLicense;
    expect([hex(decoded.message), hex(decoded.mac)]).toEqual([message_hex, mac_hex]);
    expect(decoded.license).toEqual({ format: 'caio-v1', ...license, claims: payload });
    expect(isAuthentic(decoded)).toBe(true);
  });

  test.each(macs)(
    '$title: says the same or is refused with any one bit changed',
    async ({ text, license }) => {
      const believed = await believedOf(text, async (changed) => saysOtherwise(changed, license));
      expect(believed).toEqual([]);
    },
  );
});

describe('the vectors', () => {
  const granted = [...licenses, ...sessions].flatMap(({ format, algorithm, terms, payload }) =>
    terms === null ? [] : [{ format, algorithm, payload, ...termsOf(terms) }],
  );
  const [EVERY, NAMING] = [
    ['aegis', 'caio-v2', 'dtlic2', 'inline', 'jws'],
    ['aegis', 'inline', 'jws'],
  ];

  /** Formats without the member are not asked. */
  const cases: [string, readonly string[], (vector: (typeof granted)[number]) => boolean][] = [
    [
      'a customer id with hyphens',
      [...NAMING, 'caio-v2'],
      ({ license }) => /^-.*-.*-$/.test(license.customer.id),
    ],
    [
      'a name in four scripts',
      [...NAMING, 'dtlic2'],
      ({ format, license: { holder, customer } }) => {
        const { name } = format === 'dtlic2' && holder !== null ? holder : customer;
        return SCRIPTS.every((script) => script.test(name));
      },
    ],
    [
      'an empty feature list',
      ['caio-v2', 'inline', 'jws'],
      ({ payload }) => JSON.stringify(payload.features) === '[]',
    ],
    ['an empty list of versions', NAMING, ({ license }) => license.allowed_major_versions?.length === 0],
    ['a perpetual licence', EVERY, ({ license }) => license.expires_at === null],
    [
      'a licence from one leap day to the next',
      EVERY,
      ({ issuedAt, license }) => isLeapDay(issuedAt) && isLeapDay(license.expires_at ?? 0),
    ],
  ];

  test.each(cases)('have %s in %s, by each algorithm of the format', (_case, formats, has) => {
    const found = granted.filter(has).map(({ format, algorithm }) => `${format} ${algorithm}`);
    const wanted = formats.flatMap((format) =>
      (ED25519_ALONE.includes(format) ? [ED] : KINDS).map((algorithm) => `${format} ${algorithm}`),
    );
    expect(wanted.filter((each) => !found.includes(each))).toEqual([]);
  });

  test('have them among the licences with a MAC', () => {
    const texts = macs.map(({ payload }) => JSON.stringify(payload));
    for (const part of ['"customer_id":"-acme--de', '"features":[]', '"expires_at":null', '-02-29T23:59:59'])
      expect(
        texts.some((text) => text.includes(part)),
        part,
      ).toBe(true);
  });

  test('hold no private key', () => {
    for (const key of vectors.keys) expect(Object.keys(key)).not.toContain('d');
    expect(vectors.keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'RS256']);
  });
});

const ED25519_ALONE = ['aegis', 'dtlic2'];
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Han}/u, /\p{Script=Cyrillic}/u, /\p{Script=Arabic}/u];
const isLeapDay = (instant: number) => new Date(instant).toISOString().includes('-02-29T');

/** The one-bit changes that are believed, which should be none. */
async function believedOf(text: string, believes: (text: string) => Promise<boolean>): Promise<string[]> {
  const changes = oneBitChanges(text);
  const verdicts = await Promise.all(changes.map(believes));
  return changes.filter((_, at) => verdicts[at]);
}

function isAuthentic({ message, mac }: DecodedMacLicense): boolean {
  return createHmac('sha256', vectors.mac_text).update(message).digest('hex') === hex(mac);
}

/** An authentic licence that says anything else. The customer id of the text is in no MAC, and says nothing alone. */
function saysOtherwise(text: string, license: object): boolean {
  try {
    const decoded = decodeIssued(text);
    if (decoded === undefined || !('mac' in decoded) || !isAuthentic(decoded)) return false;
    const { format: _, claims, ...said } = decoded.license;
    return JSON.stringify(said) !== JSON.stringify({ ...said, ...license });
  } catch (error) {
    if (error instanceof DocumentError) return false;
    throw error;
  }
}
