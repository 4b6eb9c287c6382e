import { describe, expect, test } from 'vitest';
import {
  decideHeartbeat,
  type HeartbeatCommand,
  type SessionState,
  staleRefusal,
} from '../../../shared/decide/heartbeat.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import {
  DAY,
  GENERATION,
  GRACE_SECONDS,
  HARDWARE,
  LEASE_SECONDS,
  licenseRecord,
  NOW,
  SECOND,
  sessionRecord,
} from '../../support/records.ts';

const LEASE = LEASE_SECONDS * SECOND;
const OTHER = 'b'.repeat(32);

function decide(
  { license = licenseRecord(), session = sessionRecord() }: Partial<SessionState> = {},
  command: Partial<HeartbeatCommand> = {},
  now = NOW,
) {
  const defaults = { hardware: HARDWARE, generation: GENERATION, document: 'if_due' } as const;
  return decideHeartbeat({ license, session }, { ...defaults, ...command }, now);
}

describe('whose session it is', () => {
  const live = sessionRecord();
  const cases: [string, SessionState, string, ErrorCode][] = [
    ['no session', { license: licenseRecord(), session: undefined }, GENERATION, 'session_not_found'],
    ['no licence', { license: undefined, session: live }, GENERATION, 'session_not_found'],
    ['neither', { license: undefined, session: undefined }, GENERATION, 'session_not_found'],
    ['a later generation', { license: licenseRecord(), session: live }, OTHER, 'session_superseded'],
    ['a later generation, no licence', { license: undefined, session: live }, OTHER, 'session_superseded'],
    ['an empty generation', { license: licenseRecord(), session: live }, '', 'session_superseded'],
    [
      'a cut generation',
      { license: licenseRecord(), session: live },
      GENERATION.slice(1),
      'session_superseded',
    ],
    [
      'a longer generation',
      { license: licenseRecord(), session: live },
      `${GENERATION}c`,
      'session_superseded',
    ],
    [
      'the generation twice',
      { license: licenseRecord(), session: live },
      GENERATION.repeat(2),
      'session_superseded',
    ],
    [
      'stale is said before revoked: a superseded process must not end the live session',
      { license: licenseRecord({ status: 'revoked' }), session: live },
      OTHER,
      'session_superseded',
    ],
  ];

  test.each(cases)('%s', (_rule, state, generation, code) => {
    const command = { hardware: HARDWARE, generation, document: 'if_due' } as const;
    expect(decideHeartbeat(state, command, NOW)).toMatchObject({ kind: 'refuse', code });
  });

  test.each(Array.from(GENERATION, (_, at) => at))('a generation that differs at character %d only', (at) => {
    const generation = `${GENERATION.slice(0, at)}d${GENERATION.slice(at + 1)}`;
    expect(staleRefusal(sessionRecord(), generation)?.code).toBe('session_superseded');
  });

  test('the caller with the live generation is not stale', () => {
    expect(staleRefusal(sessionRecord(), GENERATION)).toBeUndefined();
  });
});

describe('refuses when the licence does not hold, and says why', () => {
  const cases: [string, Parameters<typeof licenseRecord>[0], ErrorCode][] = [
    ['revoked', { status: 'revoked' }, 'license_revoked'],
    ['suspended', { status: 'suspended' }, 'license_suspended'],
    ['at its end', { expires_at: NOW }, 'license_expired'],
    ['1 ms after its end', { expires_at: NOW - 1 }, 'license_expired'],
    ['revoked after its end', { status: 'revoked', expires_at: NOW - 1 }, 'license_revoked'],
    ['bound to other machines since', { allowed_hardware: [OTHER] }, 'hardware_not_allowed'],
    ['expired and bound to others', { expires_at: NOW, allowed_hardware: [OTHER] }, 'license_expired'],
  ];

  test.each(cases)('%s', (_rule, overrides, code) => {
    const refusal = { kind: 'refuse', code, detail: expect.any(String) };
    expect(decide({ license: licenseRecord(overrides) })).toEqual(refusal);
  });

  test('says so rather than that the session is gone, which a revocation has ended', () => {
    const state = { license: licenseRecord({ status: 'revoked' }), session: undefined };
    const command = { hardware: HARDWARE, generation: GENERATION, document: 'if_due' } as const;
    expect(decideHeartbeat(state, command, NOW)).toMatchObject({ code: 'license_revoked' });
  });

  test.each([
    ['1 ms before its end the licence holds', { expires_at: NOW + 1 }],
    ['a machine in the list goes on', { allowed_hardware: [OTHER, HARDWARE] }],
  ])('not: %s', (_rule, overrides) => {
    expect(decide({ license: licenseRecord(overrides) }).kind).toBe('extend');
  });
});

describe('extends', () => {
  test('lease and heartbeat, and nothing else while no document is signed', () => {
    const session = sessionRecord();
    expect(decide({ session })).toEqual({
      kind: 'extend',
      session: { ...session, last_heartbeat_at: NOW, lease_expires_at: NOW + LEASE },
      documented: undefined,
      moves: false,
    });
  });

  test.each([
    ['a seat beyond the number', 3, 3, true],
    ['the last seat', 4, 3, false],
    ['no seat of a licence that has become limited', 4, null, true],
    ['a seat of a licence that has become unlimited', null, 3, false],
  ])('%s', (_rule, seats, seat, moves) => {
    const decision = decide({ license: licenseRecord({ seats }), session: sessionRecord({ seat }) });
    expect(decision).toMatchObject({ kind: 'extend', moves });
  });

  const leases: [string, number, number][] = [
    ['1 ms before its end', NOW + 1, NOW + LEASE],
    ['at its end', NOW, NOW + LEASE],
    ['a day after its end, when nobody took the seat', NOW - DAY, NOW + LEASE],
    ['not beyond the term of a loan', NOW + DAY, NOW + DAY],
    ['by 1 ms', NOW + LEASE - 1, NOW + LEASE],
    ['not back by 1 ms', NOW + LEASE + 1, NOW + LEASE + 1],
  ];

  test.each(leases)('a lease %s', (_rule, before, after) => {
    const session = sessionRecord({ lease_expires_at: before });
    expect(decide({ session })).toMatchObject({ kind: 'extend', session: { lease_expires_at: after } });
  });

  test('a lease up to the end of the licence', () => {
    const license = licenseRecord({ expires_at: NOW + LEASE - 1 });
    expect(decide({ license })).toMatchObject({ session: { lease_expires_at: NOW + LEASE - 1 } });
  });

  test('nothing when the clock went back', () => {
    const session = sessionRecord({ last_heartbeat_at: NOW, lease_expires_at: NOW + LEASE });
    expect(decide({ session }, {}, NOW - 60_000)).toMatchObject({ kind: 'extend', session });
  });
});

describe('documents', () => {
  const aged = (ageMs: number) =>
    sessionRecord({ document_signed_at: NOW - ageMs, document_expires_at: NOW - ageMs + 1000 });
  const cases: [string, HeartbeatCommand['document'], number, 'fresh' | 'none'][] = [
    ['if due: not before half of its life', 'if_due', 499, 'none'],
    ['if due: not at half of its life', 'if_due', 500, 'none'],
    ['if due: 1 ms past half of its life', 'if_due', 501, 'fresh'],
    ['if due: after its end', 'if_due', 2000, 'fresh'],
    ['now: however young', 'now', 0, 'fresh'],
    ['impossible: however old', 'impossible', 2000, 'none'],
  ];

  test.each(cases)('%s', (_rule, document, age, outcome) => {
    const before = aged(age);
    const session = { ...before, last_heartbeat_at: NOW, lease_expires_at: NOW + LEASE };
    const fresh = {
      ...session,
      document_signed_at: NOW,
      document_expires_at: NOW + LEASE + GRACE_SECONDS * SECOND,
    };
    // The extended session keeps the old document: it is what stands when the new one cannot be signed.
    expect(decide({ session: before }, { document })).toEqual({
      kind: 'extend',
      session,
      documented: outcome === 'fresh' ? fresh : undefined,
      moves: false,
    });
  });

  test.each([
    ['strict', licenseRecord({ policy: { strict_online: true } }), false],
    ['borrowed', licenseRecord(), true],
  ])('live as long as the extended lease, without grace, when %s', (_rule, license, borrowed) => {
    const decision = decide({ license, session: sessionRecord({ borrowed }) }, { document: 'now' });
    expect(decision).toMatchObject({ documented: { document_expires_at: NOW + LEASE } });
  });
});
