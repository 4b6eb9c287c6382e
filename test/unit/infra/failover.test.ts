/** Which signer signs, how long that takes on virtual time, and what is told when none does. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CircuitState } from '../../../infra/kms/circuit-breaker.ts';
import {
  type Answer,
  atOnce,
  build,
  CALL_MS,
  DEADLINE_MS,
  KEY_UNREADABLE,
  pause,
  REFUSED,
  SHARE_MS,
  SimulatedSigner,
  SLOW,
  signOnce,
  unavailable,
} from '../../support/simulated-signer.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

const KEY_SLOW: Answer = { afterMs: 5_000, keyFailure: unavailable('no key') };

describe('one call', () => {
  it.each<[string, Answer | undefined, Answer | undefined, string | undefined, number]>([
    ['both healthy', undefined, undefined, 'first', CALL_MS],
    ['the first refuses', REFUSED, undefined, 'second', 10 + CALL_MS],
    ['the key of the first cannot be read', KEY_UNREADABLE, undefined, 'second', 10 + CALL_MS],
    ['the first is slow', SLOW, undefined, 'second', SHARE_MS + CALL_MS],
    ['the key of the first is slow', KEY_SLOW, undefined, 'second', SHARE_MS + CALL_MS],
    ['the second is down', undefined, REFUSED, 'first', CALL_MS],
    ['the second takes what the first left', SLOW, { afterMs: 2_400 }, 'second', SHARE_MS + 2_400],
    ['both refuse', REFUSED, REFUSED, undefined, 20],
    ['both slow', SLOW, SLOW, undefined, DEADLINE_MS],
    ['the first refuses, the second is slow', REFUSED, SLOW, undefined, DEADLINE_MS],
  ])('%s', async (_, first, second, signedBy, latencyMs) => {
    const sources = [new SimulatedSigner('first', () => first), new SimulatedSigner('second', () => second)];
    const outcome = await atOnce(signOnce(build(sources)));
    expect(outcome).toMatchObject({ latencyMs });
    expect(outcome.signedBy).toBe(signedBy);
  });

  it('makes the message for each signer that is asked', async () => {
    const sources = [new SimulatedSigner('first', () => REFUSED), new SimulatedSigner('second')];
    await atOnce(signOnce(build(sources)));
    expect(sources.map(({ asked }) => asked)).toEqual([['first'], ['second']]);
  });

  it('tells all causes, the last sentence, and the shortest wait', async () => {
    const failures = [
      unavailable('quota used up', 20),
      unavailable('unplugged', 2),
      unavailable('denied', 60),
    ];
    const sources = failures.map((failure, n) => new SimulatedSigner(`s${n}`, () => ({ failure })));
    const { error } = await atOnce(signOnce(build(sources)));
    expect(error).toMatchObject({
      code: 'signing_unavailable',
      message: 'Try again shortly.',
      retryAfterSeconds: 2,
      cause: { errors: failures, message: 'quota used up; then unplugged; then denied' },
    });
  });

  it('passes the failure of a single signer on as it is', async () => {
    const failure = unavailable('denied', 60);
    const { error } = await atOnce(signOnce(build([new SimulatedSigner('only', () => ({ failure }))])));
    expect(error).toBe(failure);
  });

  it('names the signer that was too slow in the cause, and in the cause alone', async () => {
    const { error } = await atOnce(signOnce(build([new SimulatedSigner('google', () => SLOW)])));
    expect(error).toMatchObject({ cause: { message: 'google did not sign within 4000 ms' } });
    expect((error as Error).message).not.toContain('google');
  });

  it('asks for no signature when the key comes after the share', async () => {
    const late = new SimulatedSigner('late');
    const source = { name: 'late', signer: () => pause(SHARE_MS + 1).then(() => late.signer()) };
    const outcome = await atOnce(signOnce(build([source, new SimulatedSigner('second')])));
    expect(outcome.signedBy).toBe('second');
    expect(late.asked).toEqual([]);
  });

  it.each([-3_600_000, 3_600_000])(
    'leaves the second its time when the clock steps by %i ms',
    async (step) => {
      const first = new SimulatedSigner('first', () => {
        setTimeout(() => vi.setSystemTime(Date.now() + step), 5);
        return REFUSED;
      });
      const second = new SimulatedSigner('second', () => ({ afterMs: DEADLINE_MS - SHARE_MS - 1 }));
      expect((await atOnce(signOnce(build([first, second])))).signedBy).toBe('second');
    },
  );

  it('refuses to be built without a signer or without time', () => {
    expect(() => build([])).toThrow('no signer');
    expect(() => build([new SimulatedSigner('only')], { deadlineMs: 0 })).toThrow('needs time');
  });
});

describe('faults that are not the signer’s', () => {
  it('throws what the message’s maker throws at once, and blames nobody', async () => {
    const states: CircuitState[] = [];
    const second = new SimulatedSigner('second');
    const failover = build([new SimulatedSigner('first'), second], { onChange: (_, s) => states.push(s) });
    const broken = new RangeError('no such format');
    for (let n = 0; n < 5; n += 1) {
      const { error } = await atOnce(
        signOnce(failover, () => {
          throw broken;
        }),
      );
      expect(error).toBe(broken);
    }
    expect([second.asked, states]).toEqual([[], []]);
  });

  it('asks the next signer for a message that is too long for one, and does not blame that one', async () => {
    const states: CircuitState[] = [];
    const tooLong = unavailable('the message is too long');
    const short = new SimulatedSigner('short', () => ({ failure: tooLong }));
    const failover = build([short, new SimulatedSigner('second')], {
      isMessagesFault: (failure) => failure === tooLong,
      onChange: (_, state) => states.push(state),
    });
    for (let n = 0; n < 5; n += 1) {
      expect((await atOnce(signOnce(failover))).signedBy).toBe('second');
    }
    expect([short.asked.length, states]).toEqual([5, []]);
  });
});

describe('circuits redirect and never refuse', () => {
  it('asks a single signer however often it failed, and recovers with it at once', async () => {
    const only = new SimulatedSigner('only', (now) => (now < 1_000 ? REFUSED : undefined));
    const failover = build([only]);
    for (let n = 0; n < 20; n += 1) expect((await atOnce(signOnce(failover))).error).toBeDefined();
    expect(only.asked).toHaveLength(20);
    vi.setSystemTime(1_000);
    expect((await atOnce(signOnce(failover))).signedBy).toBe('only');
  });

  it('asks first, of those that were passed over, the one that failed less', async () => {
    const first = new SimulatedSigner('first', () => REFUSED);
    const second = new SimulatedSigner('second');
    const failover = build([first, second]);
    for (let n = 0; n < 3; n += 1) await atOnce(signOnce(failover));
    // The first has failed its trial too when the second begins to fail.
    vi.setSystemTime(2_000);
    await atOnce(signOnce(failover));
    second.answerAt = () => REFUSED;
    for (let n = 0; n < 3; n += 1) await atOnce(signOnce(failover));
    [first.answerAt, second.answerAt] = [() => SLOW, () => undefined];
    expect(await atOnce(signOnce(failover))).toMatchObject({ signedBy: 'second', latencyMs: CALL_MS });
  });

  it('asks the one that was passed over when the other fails', async () => {
    const first = new SimulatedSigner('first', () => REFUSED);
    const second = new SimulatedSigner('second');
    const failover = build([first, second]);
    for (let n = 0; n < 3; n += 1) await atOnce(signOnce(failover));
    [first.answerAt, second.answerAt] = [() => undefined, () => REFUSED];
    expect((await atOnce(signOnce(failover))).signedBy).toBe('first');
  });
});

describe('a change of a circuit', () => {
  it('is told with what failed last, once a change and not once a call', async () => {
    const told: string[] = [];
    const first = new SimulatedSigner('first');
    const failover = build([first, new SimulatedSigner('second')], {
      onChange: (name, state, failure) =>
        told.push(`${name} ${state}: ${(failure?.cause as Error)?.message}`),
    });
    async function signsWhileFirst(reason: string, times = 1): Promise<void> {
      first.answerAt = () => ({ failure: unavailable(reason) });
      for (let n = 0; n < times; n += 1) expect((await atOnce(signOnce(failover))).signedBy).toBe('second');
    }
    await signsWhileFirst('denied');
    await signsWhileFirst('quota used up');
    await signsWhileFirst('unplugged');
    await signsWhileFirst('still unplugged', 6);
    expect(told).toEqual(['first open: unplugged']);
    vi.setSystemTime(50_000);
    await signsWhileFirst('denied again');
    expect(told.splice(1)).toEqual(['first half-open: undefined', 'first open: denied again']);
    vi.setSystemTime(150_000);
    first.answerAt = () => undefined;
    await atOnce(signOnce(failover));
    expect(told.splice(1)).toEqual(['first half-open: undefined', 'first closed: undefined']);
  });

  it('says of a slow signer that it was slow', async () => {
    const told: unknown[] = [];
    const failover = build([new SimulatedSigner('first', () => SLOW), new SimulatedSigner('second')], {
      onChange: (_, state, failure) => told.push([state, failure?.cause]),
    });
    for (let n = 0; n < 3; n += 1) await atOnce(signOnce(failover));
    expect(told).toMatchObject([['open', { message: `first did not sign within ${SHARE_MS} ms` }]]);
  });

  it('keeps what it was opened for while its trials are given up', async () => {
    const told: unknown[] = [];
    const failover = build([new SimulatedSigner('first', () => REFUSED), new SimulatedSigner('second')], {
      onChange: (_, state, failure) => told.push([state, failure?.cause]),
    });
    for (let n = 0; n < 3; n += 1) await atOnce(signOnce(failover));
    vi.setSystemTime(50_000);
    const broken = signOnce(failover, () => {
      throw new RangeError('no such format');
    });
    await atOnce(broken);
    const refused = { message: 'refused' };
    expect(told).toMatchObject([
      ['open', refused],
      ['half-open', undefined],
      ['open', refused],
    ]);
  });
});
