/**
 * `kill -9` of the real server under load, on one SQLite file, while the KMS goes on. SIGKILL shows that what was
 * acknowledged had reached the operating system and that commits are whole; that it also reached the disk, which a
 * power cut would ask, rests on synchronous=FULL.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBook } from '../support/crash/book.ts';
import { chooseSeed, createDice } from '../support/crash/dice.ts';
import {
  createProbes,
  heartbeatAll,
  inspectStore,
  noteCommitted,
  probeFreeSeats,
  settleAll,
} from '../support/crash/inspection.ts';
import { createMachines, startLoad } from '../support/crash/load.ts';
import { report } from '../support/crash/report.ts';
import { createService } from '../support/crash/service.ts';
import { createSite, type Site } from '../support/crash/site.ts';

const KILLS = 40;
const LONGEST_LIFE_MS = 300;
const LIMIT_MS = 400_000;

let site: Site;
beforeAll(async () => {
  site = await createSite({ signingDeadlineMs: 30_000 });
});
afterAll(() => site?.remove());

it(
  `keeps every promise in ${KILLS} kills of the server`,
  async () => {
    const seed = chooseSeed();
    console.log(`CRASH_SEED=${seed}`);
    const dice = createDice(seed);
    const book = createBook();
    const { verificationKeys, licenses } = site;
    const service = createService({ book, verificationKeys, server: () => site.server, maySignLater: false });
    const machines = createMachines(licenses, dice);
    const probes = createProbes(site, dice);

    const check = async (when: string) => {
      const { stored, problems } = await inspectStore(site, service);
      noteCommitted(stored, machines, service);
      await heartbeatAll(machines, service);
      await probeFreeSeats(stored, probes, service);
      expect([...problems, ...book.violations], `seed ${seed}, ${when}\n${site.server.output()}`).toEqual([]);
    };

    await site.startServer();
    await check('before the first kill');
    // A clean end writes the compile cache, which makes every later start quick.
    await site.server.stop();
    await site.startServer();
    for (let kill = 1; kill <= KILLS; kill++) {
      const load = startLoad(machines, service);
      await pause(dice.between(0, LONGEST_LIFE_MS));
      await site.server.kill();
      await load.stop();
      await site.startServer();
      await check(`after kill ${kill}`);
    }
    const stored = await settleAll(site, [...machines, ...probes], service);
    console.log(report(`${KILLS} kills of the server, seed ${seed}`, stored, book));
    expect(book.violations, `seed ${seed}, at the end`).toEqual([]);

    // Otherwise the run has not tried what it is for.
    const { acquired, released, unanswered, foundCommitted, exhausted } = book.counts;
    for (const count of [acquired, released, unanswered]) expect(count).toBeGreaterThan(KILLS);
    expect(foundCommitted).toBeGreaterThan(0);
    expect(exhausted).toBeGreaterThan(0);
    expect([...stored.usage.values()].some(({ reason }) => reason === 'expired')).toBe(true);
  },
  LIMIT_MS,
);
