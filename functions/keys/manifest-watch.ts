/** Says in the log that the manifest has to be published again: clients that pin the root accept nothing once it is over. */
import { type ManifestLife, manifestLife } from '../../shared/decide/manifest-life.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Log, LogEntry } from '../../shared/ports/log.ts';
import type { ManifestRecord } from '../../shared/records/manifest.ts';
import { formatInstant } from '../../shared/wire/document.ts';

/** Every client asks every 20 s; one line a day is enough to be seen. */
const QUIET_MS = 86_400_000;

const TOLD: Partial<Record<ManifestLife, Pick<LogEntry, 'severity' | 'message'>>> = {
  ending: { severity: 'WARNING', message: 'the key manifest has to be published again: it ends' },
  over: { severity: 'ERROR', message: 'the key manifest has expired, and clients accept no document since' },
};

/** Told of each manifest that is served. */
export type ManifestWatch = (served: ManifestRecord) => void;

export function createManifestWatch(log: Log, clock: Pick<Clock, 'now'>): ManifestWatch {
  let last: { readonly life: ManifestLife; readonly at: number } | undefined;
  return (served) => {
    const now = clock.now();
    const life = manifestLife(served, now);
    const entry = TOLD[life];
    if (entry === undefined || (last?.life === life && now - last.at < QUIET_MS)) return;
    last = { life, at: now };
    log.write({ ...entry, message: `${entry.message} ${formatInstant(served.expires_at)}` });
  };
}
