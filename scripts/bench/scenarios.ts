/** What is measured, a row each. */
import type { AlgorithmName } from '../../shared/algorithms.ts';
import type { Client } from '../../shared/client/client.ts';
import type { FormatName } from '../../shared/formats/index.ts';
import type { Installation } from './installation.ts';

export interface Scenario {
  readonly name: string;
  readonly path: string;
  /** Bodies for one run. A scenario whose requests are good once only is asked again for each. */
  bodies(): readonly string[];
  /** Whether each body is good for one request only. */
  readonly once: boolean;
  /** Whether an answer is the one that is being measured. */
  isGood(answer: Readonly<Record<string, unknown>>): boolean;
}

/** More sessions than a run has connections, so that two requests at once rarely touch the same one. */
const HEARTBEAT_SESSIONS = 256;
const PREPARED_AT_ONCE = 32;

const ED25519 = 'EC_SIGN_ED25519';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';

export interface Preparation {
  readonly client: Client;
  readonly licenseKeys: Installation['licenseKeys'];
  /** How many sessions a run of `release` ends, and how many runs there are. */
  readonly releases: { readonly amount: number; readonly runs: number };
}

/** Acquires what the scenarios need. */
export async function prepareScenarios({ client, licenseKeys, releases }: Preparation): Promise<Scenario[]> {
  const acquire = (algorithm: AlgorithmName, hardware: string, format: FormatName = 'inline') =>
    client.acquire({ license_key: licenseKeys[algorithm], hardware_id: hardware, format });
  const sessions = (name: string, count: number) =>
    inParallel(count, async (i) => (await acquire(ED25519, `${name}-${i}`)).session_id);

  const beating = await sessions('heartbeat', HEARTBEAT_SESSIONS);
  const ending = await sessions('release', releases.amount * releases.runs);
  const again = Array.from({ length: HEARTBEAT_SESSIONS }, (_, i) => `heartbeat-${i}`);
  const inlineRsa = (await acquire(RSA, 'validate')).license_data;
  const jwsEd25519 = (await acquire(ED25519, 'validate', 'jws')).token;

  const acquiring = { path: '/api/v1/licenses/acquire', isGood: hasSession };
  const newMachine = (algorithm: AlgorithmName) => ({
    ...repeated({ license_key: licenseKeys[algorithm], hardware_id: '{unique}' }),
    ...acquiring,
  });
  const validating = {
    path: '/api/v1/licenses/validate',
    isGood: ({ valid }: { valid?: unknown }) => valid === true,
  };
  return [
    { name: 'acquire, new machine, RSA-4096', ...newMachine(RSA) },
    { name: 'acquire, new machine, Ed25519', ...newMachine(ED25519) },
    {
      name: 'acquire again, Ed25519',
      ...repeated(...again.map((hardware_id) => ({ license_key: licenseKeys[ED25519], hardware_id }))),
      ...acquiring,
    },
    {
      name: 'heartbeat',
      path: '/api/v1/licenses/heartbeat',
      ...repeated(...beating.map((session_id) => ({ session_id }))),
      isGood: hasSession,
    },
    {
      name: 'release',
      path: '/api/v1/licenses/release',
      once: true,
      bodies: () => ending.splice(0, releases.amount).map((session_id) => JSON.stringify({ session_id })),
      isGood: hasSession,
    },
    { name: 'validate, inline, RSA-4096', ...repeated({ token: inlineRsa }), ...validating },
    { name: 'validate, JWS, Ed25519', ...repeated({ token: jwsEd25519 }), ...validating },
  ];
}

function hasSession({ session_id }: Readonly<Record<string, unknown>>): boolean {
  return typeof session_id === 'string';
}

function repeated(...requests: readonly object[]): Pick<Scenario, 'bodies' | 'once'> {
  const bodies = requests.map((request) => JSON.stringify(request));
  return { bodies: () => bodies, once: false };
}

async function inParallel<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const i = next++;
      made[i] = await make(i);
    }
  };
  await Promise.all(Array.from({ length: PREPARED_AT_ONCE }, work));
  return made;
}
