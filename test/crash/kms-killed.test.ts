/** `kill -9` of the KMS under load, while the server goes on: a lease does not depend on the KMS, a document does. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBook } from '../support/crash/book.ts';
import { chooseSeed, createDice } from '../support/crash/dice.ts';
import { createProbes, settleAll } from '../support/crash/inspection.ts';
import { createMachines, startLoad } from '../support/crash/load.ts';
import { act, type Machine, settle } from '../support/crash/machine.ts';
import { report } from '../support/crash/report.ts';
import { createService, type Service } from '../support/crash/service.ts';
import { createSite, type Site } from '../support/crash/site.ts';

const KILLS = 12;
const LONGEST_LIFE_MS = 300;
const LONGEST_OUTAGE_MS = 500;
/** From the KMS being back to the first signature. The adapter dials again after 2 s at the latest. */
const RECOVERY_LIMIT_MS = 20_000;
const LIMIT_MS = 400_000;

let site: Site;
beforeAll(async () => {
  site = await createSite({ signingDeadlineMs: 3_000 });
});
afterAll(() => site?.remove());

it(
  `signs or says that it cannot, in ${KILLS} kills of the KMS`,
  async () => {
    const seed = chooseSeed();
    console.log(`CRASH_SEED=${seed}`);
    const dice = createDice(seed);
    const book = createBook();
    const { verificationKeys, licenses } = site;
    const service = createService({ book, verificationKeys, server: () => site.server, maySignLater: true });
    const machines = createMachines(licenses, dice);
    const probe = createProbes(site, dice).at(-1) as Machine;
    const recoveriesMs: number[] = [];

    await site.startServer();
    await firstSignature(probe, service);
    const load = startLoad(machines, service);
    for (let kill = 1; kill <= KILLS; kill++) {
      await pause(dice.between(0, LONGEST_LIFE_MS));
      await site.killKms();
      await pause(dice.between(0, LONGEST_OUTAGE_MS));
      await site.startKms();
      recoveriesMs.push(await firstSignature(probe, service));
      expect(book.violations, `seed ${seed}, after kill ${kill}\n${site.server.output()}`).toEqual([]);
    }
    await load.stop();
    const stored = await settleAll(site, [...machines, probe], service);
    console.log(report(`${KILLS} kills of the KMS, seed ${seed}`, stored, book));
    console.log(`  signs again after ${recoveriesMs.join(', ')} ms`);
    expect(book.violations, `seed ${seed}, at the end`).toEqual([]);

    // Otherwise the run has not tried what it is for.
    const { acquired, released, heartbeats, unsigned } = book.counts;
    for (const count of [acquired, released, heartbeats, unsigned]) expect(count).toBeGreaterThan(KILLS);
  },
  LIMIT_MS,
);

/** Milliseconds until a machine gets a seat and its document; it gives the seat back. */
async function firstSignature(probe: Machine, service: Service): Promise<number> {
  const startedAt = Date.now();
  while (probe.session === undefined) {
    await act(probe, service);
    if (Date.now() - startedAt > RECOVERY_LIMIT_MS)
      throw new Error('The KMS is back, and nothing is signed.');
  }
  const recoveryMs = Date.now() - startedAt;
  await settle(probe, service);
  return recoveryMs;
}
