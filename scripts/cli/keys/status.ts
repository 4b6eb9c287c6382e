/** What the list of keys says, and what of it is published. */
import { manifestLife } from '../../../shared/decide/manifest-life.ts';
import { publicationChanges } from '../../../shared/decide/publication.ts';
import type { RegisteredKey } from '../../../shared/keys/registry.ts';
import type { ManifestRecord } from '../../../shared/records/manifest.ts';
import { publishedKeys } from '../../../shared/usecases/publish-keys.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { table } from '../table.ts';
import { listedKid } from './pinned-list.ts';

export interface KeyStatus {
  readonly kid: string | null;
  readonly use: string;
  readonly algorithm: string;
  readonly state: string;
  readonly sunset_at: string | null;
  /** The state that the manifest gives it; null when it is not in there, or is no key that signs licences. */
  readonly published: string | null;
  readonly name: string;
}

export interface Status {
  readonly keys: readonly KeyStatus[];
  readonly manifest: {
    readonly version: number;
    readonly published_at: string;
    readonly expires_at: string;
    /** Whole days until then; 0 when it is over. */
    readonly days_left: number;
    readonly is_expired: boolean;
  } | null;
  /** Whether less than half of the manifest's life is left, or none: whoever publishes regularly has not of late. */
  readonly renew_manifest: boolean;
  /** Whether the manifest says what the list says. */
  readonly is_published: boolean;
}

/**
 * @param keys of which each key of another system has its `kid`
 * @param now milliseconds since the epoch
 */
export function statusOf(
  keys: readonly RegisteredKey[],
  record: ManifestRecord | undefined,
  now: number,
): Status {
  const published = publishedKeys(record);
  const states = new Map(
    published.map(({ kid, state, sunsetAt }) => [kid, publishedAs(state, instantOf(sunsetAt))]),
  );
  return {
    keys: keys.map((key) => describe(key, states)),
    manifest: record === undefined ? null : manifestOf(record, now),
    renew_manifest: record !== undefined && manifestLife(record, now) !== 'fresh',
    is_published: publicationChanges(keys, published).length === 0,
  };
}

function manifestOf(record: ManifestRecord, now: number) {
  const { version, published_at, expires_at } = record;
  return {
    version,
    published_at: formatInstant(published_at),
    expires_at: formatInstant(expires_at),
    days_left: Math.max(0, Math.floor((expires_at - now) / DAY_MS)),
    is_expired: manifestLife(record, now) === 'over',
  };
}

const DAY_MS = 86_400_000;

const instantOf = (milliseconds: number | undefined) =>
  milliseconds === undefined ? null : formatInstant(milliseconds);

const publishedAs = (state: string, sunset: string | null) => (sunset ? `${state} until ${sunset}` : state);

function describe(key: RegisteredKey, published: ReadonlyMap<string, string>): KeyStatus {
  const kid = listedKid(key) ?? null;
  return {
    kid,
    use: key.use,
    algorithm: key.algorithm,
    state: key.use === 'mac' ? 'retiring' : key.state,
    sunset_at: instantOf(key.sunsetAt),
    published: kid === null ? null : (published.get(kid) ?? null),
    name: 'name' in key ? key.name : key.issuer,
  };
}

/** For people. */
export function printedStatus({ keys, manifest: published, is_published, renew_manifest }: Status): string {
  const rows = keys.map(({ kid, use, algorithm, state, sunset_at, name }) => [
    kid ?? (use === 'mac' ? '-' : '(not read)'),
    use,
    algorithm,
    publishedAs(state, sunset_at),
    name,
  ]);
  const manifestLine =
    published === null
      ? 'No manifest is published. Publish one: countersign keys publish'
      : `Manifest ${published.version}, published ${published.published_at}, valid until ${published.expires_at}.`;
  const drift =
    published === null || is_published
      ? []
      : ['The manifest says something else than the list. Publish it: countersign keys publish'];
  const age = published !== null && renew_manifest ? [ageOf(published)] : [];
  const lines = [
    table(['KID', 'USE', 'ALGORITHM', 'STATE', 'NAME'], rows),
    '',
    manifestLine,
    ...age,
    ...drift,
  ];
  return lines.join('\n');
}

function ageOf({ is_expired, days_left }: NonNullable<Status['manifest']>): string {
  if (is_expired)
    return 'It has expired: clients that pin the root accept no document. Publish the next one: countersign keys publish';
  const left = days_left === 1 ? '1 day' : `${days_left} days`;
  return `Less than half of its life is left: ${left}. Renew it: countersign keys publish`;
}
