/** Documents of licences, one row a format: what signs them and what they say. What was signed is stored once. */

import type { AlgorithmName } from '../algorithms.ts';
import { ALGORITHMS } from '../algorithms.ts';
import { canonicalJson } from '../canonical/jcs.ts';
import type { JsonObject } from '../canonical/strict-json.ts';
import { formatProblems, type IssuableFormat } from '../decide/issue.ts';
import { UNVERIFIED } from '../decide/license-change.ts';
import { CountersignError } from '../errors.ts';
import { aegis } from '../formats/aegis.ts';
import { caioV2 } from '../formats/caio-v2.ts';
import { dtlic2 } from '../formats/dtlic2.ts';
import { ISSUED_FORMATS, type IssuedFormat } from '../formats/issued.ts';
import { OperatorError } from '../operator-error.ts';
import type { Ports } from '../ports/ports.ts';
import { DTLIC2_TIERS, LICENSE_KINDS } from '../products.ts';
import { type DocumentRecord, documentRecord } from '../records/document.ts';
import type { LicenseRecord } from '../records/license.ts';
import { documentPath } from '../records/paths.ts';
import { formatInstant } from '../wire/document.ts';
import type { IssuedLicense } from '../wire/issued.ts';
import { readRecord } from './read.ts';
import { retryCommits } from './retry.ts';
import type { Settings } from './settings.ts';

/** What a document is made of. */
export interface Terms {
  readonly license: LicenseRecord;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  /** DTLIC2 names it. */
  readonly licenseKey: string | undefined;
}

interface Rendering {
  readonly algorithmOf: (license: LicenseRecord) => AlgorithmName;
  /**
   * @throws TypeError when the format cannot hold the terms, CountersignError `invalid_request` of a licence that was imported
   * unverified, `signing_unavailable`
   */
  sign(
    keys: Pick<Ports['keys'], 'sign'>,
    terms: Terms,
  ): Promise<{ readonly kid: string; readonly text: string }>;
  /**
   * Renders the terms without a key.
   * @throws TypeError when the format cannot hold them
   */
  check(terms: Terms): void;
  /** What the terms come to, whenever and by whatever key they are signed: equal texts mean the same licence. */
  meaningOf(terms: Terms): string;
  /**
   * The same of a document.
   * @throws DocumentError
   */
  meaningIn(text: string): string;
}

/** What the clients of the systems before expect: `"alg":"EdDSA"`. */
const ED25519 = () => 'EC_SIGN_ED25519' as const;

/** A kid is a SHA-256 thumbprint in base64url. */
const SOME_KID = 'k'.repeat(43);

/** Of the CAIO payload. */
const CAIO_VERSION = '2.0';

export const RENDERINGS: Readonly<Record<IssuableFormat, Rendering>> = {
  aegis: rendering(aegis, ED25519, ({ license, issuer, issuedAt }) => ({
    jti: license.license_id,
    iss: issuer,
    iat: Math.floor(issuedAt / 1000),
    ...(license.expires_at !== null && { exp: Math.floor(license.expires_at / 1000) }),
    customer: license.customer,
    module: {
      technical_name: license.product,
      allowed_major_versions: required('aegis', license, license.allowed_major_versions),
    },
    license_type: license.expires_at === null ? 'perpetual' : LICENSE_KINDS[license.license_type].aegis,
    ...(license.instance_fingerprint !== null && { instance_fingerprint: license.instance_fingerprint }),
  })),

  'caio-v2': rendering(
    caioV2,
    (license) => license.signing_algorithm,
    ({ license, issuedAt }) => ({
      customer_id: license.customer.id,
      license_type: LICENSE_KINDS[license.license_type].caio,
      issued_at: formatInstant(issuedAt),
      expires_at: license.expires_at === null ? null : formatInstant(license.expires_at),
      features: license.features,
      ...required('caio-v2', license, license.limits),
      version: CAIO_VERSION,
    }),
  ),

  dtlic2: rendering(dtlic2, ED25519, ({ license, issuedAt, licenseKey }) => ({
    license_key: licenseKey ?? missing('A DTLIC2 document names the licence key: send license_key.'),
    ...required('dtlic2', license, license.holder),
    tier: DTLIC2_TIERS[license.tier],
    issued_at: formatInstant(issuedAt),
    expires_at: license.expires_at === null ? null : formatInstant(license.expires_at),
  })),
};

function rendering<Payload extends object>(
  format: IssuedFormat<Payload>,
  algorithmOf: Rendering['algorithmOf'],
  payloadOf: (terms: Terms) => Payload,
): Rendering {
  return {
    algorithmOf,
    async sign(keys, terms) {
      if (terms.license.unverified)
        throw new CountersignError('invalid_request', UNVERIFIED, {
          errors: [{ pointer: '', detail: UNVERIFIED }],
        });
      const payload = payloadOf(terms);
      const algorithm = algorithmOf(terms.license);
      const signature = await keys.sign(algorithm, (key) => format.signedBytes(payload, key));
      return { kid: signature.kid, text: format.encode(payload, signature) };
    },
    check(terms) {
      const algorithm = algorithmOf(terms.license);
      const bytes = new Uint8Array(ALGORITHMS[algorithm].signatureBytes);
      format.encode(payloadOf(terms), { kid: SOME_KID, algorithm, bytes });
    },
    meaningOf: (terms) => meaningOf(format.licenseOf({ kid: SOME_KID, ...payloadOf(terms) } as JsonObject)),
    meaningIn: (text) => meaningOf(format.decode(text).license),
  };
}

/** Read as verifiers read it, so that an end which is spelled in another way is the same end. */
function meaningOf({ issuedAt: _, claims, ...license }: IssuedLicense): string {
  const { max_instances, max_services, max_requests_per_day } = claims;
  const limits = [max_instances, max_services, max_requests_per_day].map((limit) => limit ?? null);
  return canonicalJson({ ...license, limits } as unknown as JsonObject);
}

/**
 * Whether a document says what its licence says now, but for issuer and licence key, which no change of a licence changes.
 * False where the licence lacks by now what the format cannot do without.
 * @throws DocumentError
 */
export function saysWhatHolds({ format, text }: DocumentRecord, license: LicenseRecord): boolean {
  if (format === 'caio-v1') return false;
  const said = ISSUED_FORMATS[format].decode(text).license;
  const named = { issuer: said.issuer ?? '', licenseKey: said.licenseId ?? undefined };
  try {
    return RENDERINGS[format].meaningOf({ license, issuedAt: 0, ...named }) === meaningOf(said);
  } catch (error) {
    if (error instanceof OperatorError) return false;
    throw error;
  }
}

function required<Value>(format: IssuableFormat, license: LicenseRecord, value: Value | null): Value {
  return value ?? missing(formatProblems([format], license)[0]?.detail ?? '');
}

function missing(sentence: string): never {
  throw new OperatorError(sentence);
}

/**
 * The licence as an AEGIS document, signed by the active key.
 * @throws OperatorError when the format cannot hold it, CountersignError `signing_unavailable`, `store_unavailable`
 */
export async function issueAegis(
  ports: Pick<Ports, 'store' | 'clock' | 'keys' | 'random'>,
  { issuer }: Pick<Settings, 'issuer'>,
  licenseHash: string,
  license: LicenseRecord,
): Promise<DocumentRecord> {
  const terms = { license, issuer, issuedAt: ports.clock.now(), licenseKey: undefined };
  const signed = await RENDERINGS.aegis.sign(ports.keys, terms);
  const document = documentOf('aegis', terms, signed);
  return storeOnce(ports, documentPath(licenseHash, document.format, document.kid), document);
}

/** The record of a document that was just signed. */
export function documentOf(
  format: IssuableFormat,
  { license, issuedAt }: Terms,
  { kid, text }: { readonly kid: string; readonly text: string },
): DocumentRecord {
  const { license_id, customer } = license;
  return { license_id, customer_id: customer.id, format, kid, text, issued_at: issuedAt, replaces: null };
}

/**
 * Stores a document that was just signed at its path, unless another request was faster; answers the one that is stored. Its place
 * allows one, so a commit that was not confirmed is sent again.
 * @throws CountersignError `store_unavailable`
 */
function storeOnce(
  ports: Pick<Ports, 'store' | 'clock' | 'random'>,
  path: string,
  document: DocumentRecord,
): Promise<DocumentRecord> {
  return retryCommits(ports, async (attempt) => {
    const [snapshot] = attempt === 0 ? [] : await ports.store.get([path]);
    const stored = readRecord(documentRecord, snapshot)?.record;
    if (stored !== undefined) return stored;
    await ports.store.commit([{ op: 'set', path, fields: document, demand: 'absent' }]);
    return document;
  });
}
