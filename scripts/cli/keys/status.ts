/** What the list of keys says, and what of it is published. */
import { manifest } from '../../../shared/formats/manifest.ts';
import type { RegisteredKey } from '../../../shared/keys/registry.ts';
import type { ManifestRecord } from '../../../shared/records/manifest.ts';
import { formatInstant } from '../../../shared/wire/document.ts';
import { manifestPayload } from '../../../shared/wire/manifest.ts';
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
  } | null;
  /** Whether the manifest says what the list says. */
  readonly is_published: boolean;
}

export function statusOf(keys: readonly RegisteredKey[], record: ManifestRecord | undefined): Status {
  const published = publishedStates(record);
  const rows = keys.map((key) => describe(key, published));
  return {
    keys: rows,
    manifest:
      record === undefined
        ? null
        : {
            version: record.version,
            published_at: formatInstant(record.published_at),
            expires_at: formatInstant(record.expires_at),
          },
    is_published: saysTheSame(rows, published),
  };
}

/** What the manifest lists: keys that sign licences, and those of other systems. */
const PUBLISHED_USES: readonly string[] = ['license', 'verify'];

function saysTheSame(rows: readonly KeyStatus[], published: ReadonlyMap<string, string>): boolean {
  const listed = rows.filter(({ use }) => PUBLISHED_USES.includes(use));
  return (
    listed.length === published.size &&
    listed.every((row) => row.published === publishedAs(row.state, row.sunset_at))
  );
}

const publishedAs = (state: string, sunset: string | null | undefined) =>
  sunset ? `${state} until ${sunset}` : state;

function publishedStates(record: ManifestRecord | undefined): Map<string, string> {
  if (record === undefined) return new Map();
  const { keys } = manifestPayload.parse(manifest.decode(record.token).payload);
  return new Map(keys.map(({ kid, state, sunset_at }) => [kid, publishedAs(state, sunset_at)]));
}

function describe(key: RegisteredKey, published: ReadonlyMap<string, string>): KeyStatus {
  const kid = listedKid(key) ?? null;
  return {
    kid,
    use: key.use,
    algorithm: key.algorithm,
    state: key.use === 'mac' ? 'retiring' : key.state,
    sunset_at: key.sunsetAt === undefined ? null : formatInstant(key.sunsetAt),
    published: kid === null ? null : (published.get(kid) ?? null),
    name: 'name' in key ? key.name : key.issuer,
  };
}

/** For people. */
export function printedStatus({ keys, manifest: published, is_published }: Status): string {
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
  return [table(['KID', 'USE', 'ALGORITHM', 'STATE', 'NAME'], rows), '', manifestLine, ...drift].join('\n');
}
