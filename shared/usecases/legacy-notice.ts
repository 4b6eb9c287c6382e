/** What the holder of a `CAIO-v1` licence that holds is told of the end of all of them. */
import type { MacKeyRecord } from '../ports/key-directory.ts';
import { formatInstant } from '../wire/document.ts';

export interface LegacyNotice {
  readonly code: 'legacy_accepted';
  readonly detail: string;
}

/** Of at least one key. With several, a licence of one of the others may end sooner. */
export function legacyNotice(keys: readonly Pick<MacKeyRecord, 'sunsetAt'>[]): LegacyNotice {
  const end = formatInstant(Math.max(...keys.map(({ sunsetAt }) => sunsetAt)));
  return {
    code: 'legacy_accepted',
    detail: `CAIO-v1 licences are accepted until ${end} at the latest. Ask the vendor for a new one.`,
  };
}
