/**
 * Who may fetch the newest document of a licence: whoever has a document of it. docs/keys.md has the rule, and why.
 *
 * While a key vouches, its signature proves that. Afterwards only a text that is on record word for word does, and of a
 * compromised key only one that its thief cannot put together: signatures are deterministic, so the text would come out
 * the same.
 */
import { decodeIssued } from '../formats/issued.ts';
import type { Ports } from '../ports/ports.ts';
import type { DocumentRecord } from '../records/document.ts';
import { licensePath } from '../records/paths.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import type { IssuedFormatName, IssuedLicense } from '../wire/issued.ts';
import { documentsOf } from './license-documents.ts';
import { keyProblem } from './licensing-keys.ts';
import { notAccepted } from './licensing-license.ts';
import { readActivation } from './licensing-status.ts';
import type { Settings } from './settings.ts';
import { type ExaminedLicense, examineLicense } from './validate-license.ts';
import { findOnRecord, type LicenseOnRecord } from './validate-on-record.ts';

export interface Presented {
  /** The licence, without white space around it. */
  readonly text: string;
  readonly instanceId: string | undefined;
}

export interface Possession {
  readonly format: IssuedFormatName;
  /** Undefined of a genuine licence of another system that is not on record here. */
  readonly onRecord: LicenseOnRecord | undefined;
  /** Why the text itself does not hold: its end has passed, its key vouches for nothing any more, or its licence's state. */
  readonly refusal: ExaminedLicense['refusal'];
}

type Refusal = NonNullable<ExaminedLicense['refusal']>;

/** What is left of a text whose key may be barred; a CAIO text names no key, so nobody's signature is what it looks like. */
const MAY_BE_BARRED: ReadonlySet<string> = new Set([
  'key_retired',
  'key_compromised',
  'signature_invalid',
  'unknown_key',
] satisfies VerificationCode[]);

/** Members of a document that only its holder knows: random ones. Those of CAIO can be guessed, time and all. */
const HOLDS_A_SECRET: Readonly<Record<IssuedFormatName, boolean>> = {
  aegis: true,
  dtlic2: true,
  'caio-v1': false,
  'caio-v2': false,
};

/**
 * @throws CountersignError `license_not_accepted` with the `reason`, `legacy_sunset`, `signing_unavailable`,
 * `store_unavailable`
 */
export async function requirePossession(
  ports: Ports,
  { issuer }: Pick<Settings, 'issuer'>,
  presented: Presented,
): Promise<Possession> {
  const examined = await examineLicense(ports, { text: presented.text, scope: {}, issuer });
  const { license, onRecord, refusal } = examined;
  if (license !== undefined) return { format: license.format, onRecord, refusal };
  return (await wordForWord(ports, presented, refusal)) ?? refuse(refusal);
}

function refuse(refusal: Refusal | undefined): never {
  throw notAccepted(refusal ?? { code: 'malformed_document', detail: VERIFICATION_CODES.malformed_document });
}

/** The text on record, of a key that has been barred since. */
async function wordForWord(
  ports: Ports,
  presented: Presented,
  refusal: Refusal | undefined,
): Promise<Possession | undefined> {
  if (refusal === undefined || !MAY_BE_BARRED.has(refusal.code)) return undefined;
  const license = decodeIssued(presented.text)?.license;
  const found = license && (await findText(ports, license, presented.text));
  if (license === undefined || found === undefined) return undefined;
  const { onRecord, document } = found;
  const code = await keyProblem(ports.keys, document.kid, ports.clock.now());
  // A key that is not listed is nobody's: what an import has stored of it was never verified.
  if (code === undefined || code === 'unknown_key') return undefined;
  const isOnlyTheirs = code !== 'key_compromised' || HOLDS_A_SECRET[license.format];
  if (!(isOnlyTheirs || (await isActivated(ports, onRecord, presented)))) return undefined;
  return { format: license.format, onRecord, refusal: { code, detail: VERIFICATION_CODES[code] } };
}

async function findText(
  ports: Ports,
  license: IssuedLicense,
  text: string,
): Promise<{ readonly onRecord: LicenseOnRecord; readonly document: DocumentRecord } | undefined> {
  const onRecord = await findOnRecord(ports, license, text);
  const documents = onRecord === undefined ? [] : await documentsOf(ports, onRecord.hash);
  const document = documents.find((one) => one.text === text);
  return onRecord && document && { onRecord, document };
}

/** The id of an installation is random, and in no document. */
async function isActivated(
  ports: Ports,
  { hash }: LicenseOnRecord,
  { instanceId }: Presented,
): Promise<boolean> {
  if (instanceId === undefined) return false;
  return (await readActivation(ports, { holder: licensePath(hash) }, instanceId)) !== undefined;
}
