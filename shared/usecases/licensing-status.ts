/** What the clients of CAIO licences are told: does the licence hold, what does it allow, and is this instance one of it? */
import { licenseRefusal } from '../decide/license.ts';
import { CountersignError } from '../errors.ts';
import type { MacKeyRecord } from '../ports/key-directory.ts';
import type { Ports } from '../ports/ports.ts';
import { type ActivationRecord, activationRecord } from '../records/activation.ts';
import { licenseRecord } from '../records/license.ts';
import { ACTIVATIONS, activationPath, holderOf } from '../records/paths.ts';
import { VERIFICATION_CODES, type VerificationCode } from '../verification.ts';
import { countInstances, isLive } from './activations-slots.ts';
import { legacyNotice } from './legacy-notice.ts';
import { firstOf } from './license-end.ts';
import { keyProblem } from './licensing-keys.ts';
import { type CaioLicense, type CaioTerms, type ExaminedCaio, examineCaio } from './licensing-license.ts';
import { readRecord } from './read.ts';
import type { Settings } from './settings.ts';
import { LICENSE_TRANSFERRED } from './validate-on-record.ts';

export interface LicensingStatus {
  readonly refusal: ExaminedCaio['refusal'];
  /** Undefined when the text is no genuine licence. */
  readonly terms: CaioTerms | undefined;
  readonly instancesInUse: number;
  /** Of the instance that asks; undefined when it is not activated, or asked without its id. */
  readonly activation: ActivationRecord | undefined;
  /** When it stops holding here, in milliseconds since the epoch; null for never. */
  readonly endsAt: number | null;
  readonly notice: CaioLicense['notice'];
  readonly now: number;
}

/** @throws CountersignError `signing_unavailable`, `store_unavailable` */
export async function validateCaio(
  ports: Ports,
  settings: Pick<Settings, 'issuer'>,
  { text, instanceId }: { readonly text: string; readonly instanceId: string | undefined },
): Promise<LicensingStatus> {
  const { caio, refusal } = await examineCaio(ports, settings, text);
  if (caio === undefined) return { ...NOTHING, refusal, now: ports.clock.now() };
  const activation = instanceId === undefined ? undefined : await readActivation(ports, caio, instanceId);
  return statusOf(ports, { ...caio, activation, refusal });
}

const NOTHING = {
  terms: undefined,
  instancesInUse: 0,
  activation: undefined,
  endsAt: null,
  notice: undefined,
} as const;

export async function statusOf(
  ports: Pick<Ports, 'store' | 'clock'>,
  about: Pick<CaioLicense, 'holder' | 'terms' | 'endsAt' | 'notice'> &
    Pick<LicensingStatus, 'activation' | 'refusal'>,
): Promise<LicensingStatus> {
  const { holder, terms, activation, refusal, endsAt, notice } = about;
  const max = terms.max_instances;
  const isAnothers = refusal?.code === LICENSE_TRANSFERRED.code;
  return {
    refusal,
    terms,
    instancesInUse: isAnothers ? 0 : await countInstances(ports, holder, max),
    activation: activation !== undefined && isLive(activation, max) ? activation : undefined,
    endsAt,
    notice,
    now: ports.clock.now(),
  };
}

/**
 * The status of an instance that says only who it is: of the licence that it activated last.
 * @throws CountersignError `activation_not_found`, `signing_unavailable`, `store_unavailable`
 */
export async function instanceStatus(ports: Ports, instanceId: string): Promise<LicensingStatus> {
  const newest = await newestActivation(ports, ports.hasher.hash('instance', instanceId));
  if (newest === undefined)
    throw new CountersignError('activation_not_found', 'This instance is not activated. Activate it first.');
  const { holder, record } = newest;
  const [snapshot] = await ports.store.get([holder]);
  const license = readRecord(licenseRecord, snapshot)?.record;
  const now = ports.clock.now();
  const macKeys = ports.keys.macKeys();
  const isTransferred = license !== undefined && license.customer.id !== record.customer_id;
  const terms = isTransferred ? record : { ...record, ...license?.limits };
  const refusal = isTransferred
    ? LICENSE_TRANSFERRED
    : ((license && licenseRefusal(license, now)) ??
      refusalOf((await activationKeyProblem(ports, macKeys, record, now)) ?? lifetimeProblem(record, now)));
  const isLegacy = record.format === 'caio-v1' && refusal === undefined;
  return statusOf(ports, {
    holder,
    terms,
    activation: record,
    refusal,
    endsAt: firstOf(record.expires_at, isTransferred ? null : (license?.expires_at ?? null)),
    notice: isLegacy ? legacyNotice(macKeys) : undefined,
  });
}

/** What an instance activated last, by its hash. @throws CountersignError `store_unavailable` */
export async function newestActivation({ store }: Pick<Ports, 'store'>, instance: string) {
  const [newest] = await store.query({
    group: ACTIVATIONS,
    where: [['instance', '==', instance]],
    orderBy: [['last_seen_at', 'desc']],
    limit: 1,
  });
  const record = readRecord(activationRecord, newest)?.record;
  return newest === undefined || record === undefined ? undefined : { holder: holderOf(newest.path), record };
}

/** Undefined of an instance that was never activated, or has been given back. */
export async function readActivation(
  { store, hasher }: Pick<Ports, 'store' | 'hasher'>,
  { holder }: Pick<CaioLicense, 'holder'>,
  instanceId: string,
): Promise<ActivationRecord | undefined> {
  const [snapshot] = await store.get([activationPath(holder, hasher.hash('instance', instanceId))]);
  return readRecord(activationRecord, snapshot)?.record;
}

/** What has become of the key since the activation. */
async function activationKeyProblem(
  { keys }: Ports,
  macKeys: readonly MacKeyRecord[],
  { kid }: ActivationRecord,
  now: number,
) {
  if (kid !== null) return keyProblem(keys, kid, now);
  return macKeys.some(({ sunsetAt }) => now < sunsetAt) ? undefined : 'legacy_sunset';
}

function lifetimeProblem({ expires_at: end }: ActivationRecord, now: number): VerificationCode | undefined {
  return end !== null && now >= end ? 'license_expired' : undefined;
}

function refusalOf(code: VerificationCode | undefined) {
  return code && { code, detail: VERIFICATION_CODES[code] };
}
