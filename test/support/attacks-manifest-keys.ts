/** Entries of a manifest that say nothing that a client could act on, or two things at once. The root signed them. */
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { openJws, sealJws } from './attacks-forgery.ts';
import { activeJwk, firstKey, keysOf, type ManifestAttack, rows } from './attacks-manifest-payload.ts';

const ENTRIES = rows('malformed_manifest', {
  'a key null': firstKey(() => [null]),
  'a key without kid': firstKey(({ kid: _, ...key }) => key),
  'a key with an empty kid': firstKey((key) => ({ ...key, kid: '' })),
  'a key whose kid is a number': firstKey((key) => ({ ...key, kid: 0 })),
  'a key whose kid is in an array': firstKey((key) => ({ ...key, kid: [key.kid] })),
  'a key without alg': firstKey(({ alg: _, ...key }) => key),
  'a key without state': firstKey(({ state: _, ...key }) => key),
  'a key of a state that is not known': firstKey((key) => ({ ...key, state: 'trusted' })),
  'a key of a state in other case': firstKey((key) => ({ ...key, state: 'Active' })),
  'a key of a state __proto__': firstKey((key) => ({ ...key, state: '__proto__' })),
  'a retiring key without its end': firstKey((key) => ({ ...key, state: 'retiring' })),
  'a retiring key whose end is no time': firstKey((key) => ({
    ...key,
    state: 'retiring',
    sunset_at: 'never',
  })),
  'an active key with an end': firstKey((key) => ({ ...key, sunset_at: '2099-01-01T00:00:00.000+00:00' })),
  'an active key without its public key': firstKey(({ kid, alg, state }) => ({ kid, alg, state })),
  'a key of another type than its algorithm': firstKey((key) => ({ ...key, kty: 'EC' })),
  'a symmetric key': firstKey((key) => ({ ...key, kty: 'oct', k: 'AAAA' })),
  'a key whose material is too short': firstKey((key) => ({ ...key, kty: 'OKP', alg: 'EdDSA', x: 'AAAA' })),
  'a key of another curve': firstKey(({ kid, state }) => ({
    ...{ kid, state, alg: 'EdDSA', kty: 'OKP' },
    ...{ crv: 'Ed448', x: 'A'.repeat(76) },
  })),
});

type Pair = (key: JsonObject, strangersKey: object) => readonly object[];

/** Which of two would count is a matter of who reads: neither does. */
const PAIRS: Readonly<Record<string, Pair>> = {
  alike: (key) => [key, key],
  'the second compromised': (key) => [key, barred(key)],
  'the first compromised': (key) => [barred(key), key],
  'both compromised': (key) => [barred(key), barred(key)],
  'the second with the key of a stranger': (key, strangersKey) => [key, { ...strangersKey, kid: key.kid }],
  'the first with the key of a stranger': (key, strangersKey) => [{ ...strangersKey, kid: key.kid }, key],
  'the second of an algorithm that is not known': (key) => [key, { ...key, alg: 'ML-DSA-65', kty: 'AKP' }],
};

const barred = ({ kid, alg }: JsonObject) => ({ kid, alg, state: 'compromised' });

const REPEATED: ManifestAttack[] = Object.entries(PAIRS).map(([name, pair]) => ({
  name: `two keys of one kid, ${name}`,
  make: ({ document, key, stranger }) => {
    const { header, payload } = openJws(document);
    const [first, ...others] = keysOf(payload);
    const keys = [...pair(first ?? {}, activeJwk(stranger)), ...others];
    return sealJws(key, header, { ...payload, keys });
  },
  code: 'malformed_manifest',
}));

export const KEY_ENTRIES: ManifestAttack[] = [...ENTRIES, ...REPEATED];
