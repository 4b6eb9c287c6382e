/** Every way to change one thing in a signed document: what a verifier has to notice. */
import type { JsonObject, JsonValue } from '../../shared/canonical/strict-json.ts';

export interface Change {
  /** `/customer/name character 3`: a JSON pointer and what was done there. */
  readonly what: string;
  /** The whole document, changed. */
  readonly text: string;
}

/** A document with one thing changed, in every way of the functions below. */
export function changesOf(document: JsonObject): Change[] {
  const text = JSON.stringify(document);
  const { heartbeat_seconds: seconds, signature } = document;
  return [
    ...changesOfValue(document).map(({ what, value }) => ({ what, text: JSON.stringify(value) })),
    {
      what: '/heartbeat_seconds a float',
      text: text.replace(`"heartbeat_seconds":${seconds}`, `"heartbeat_seconds":${seconds}.0`),
    },
    {
      what: '/signature in another spelling',
      text: JSON.stringify({ ...document, signature: respell(String(signature)) }),
    },
  ].filter((change) => change.text !== text);
}

/** Base64 of the same bytes, which a decoder that is not strict takes: an unused bit is set. */
function respell(base64: string): string {
  return base64.replace(/[A-Za-z0-9+/](?==*$)/, (last) => String.fromCharCode(last.charCodeAt(0) + 1));
}

interface ChangedValue {
  readonly what: string;
  readonly value: JsonValue;
}

function changesOfValue(value: JsonValue): ChangedValue[] {
  if (value === null) return [{ what: ' not null', value: 'x' }];
  if (typeof value === 'boolean')
    return [
      { what: ' flipped', value: !value },
      { what: ' null', value: null },
    ];
  if (typeof value === 'number') return [1, -1].map((by) => ({ what: ` plus ${by}`, value: value + by }));
  if (typeof value === 'string') return changesOfString(value);
  return Array.isArray(value) ? changesOfArray(value) : changesOfObject(value as JsonObject);
}

function changesOfString(text: string): ChangedValue[] {
  const characters = [...text];
  return [
    ...characters.map((_, i) => ({ what: ` character ${i}`, value: flip(text, i) })),
    { what: ' longer', value: `${text}x` },
    { what: ' shorter', value: characters.slice(0, -1).join('') },
    { what: ' null', value: null },
  ];
}

function changesOfArray(items: readonly JsonValue[]): ChangedValue[] {
  const added = items[0] ?? 'x';
  return [
    ...items.flatMap((item, i) =>
      changesOfValue(item).map(({ what, value }) => ({ what: `/${i}${what}`, value: items.with(i, value) })),
    ),
    ...items.map((_, i) => ({ what: ` without ${i}`, value: items.toSpliced(i, 1) })),
    { what: ' one more', value: [...items, added] },
    { what: ' reversed', value: items.toReversed() },
  ];
}

function changesOfObject(object: JsonObject): ChangedValue[] {
  const entries = Object.entries(object);
  return [
    ...entries.flatMap(([name, member]) => [
      ...changesOfValue(member).map(({ what, value }) => ({
        what: `/${name}${what}`,
        value: { ...object, [name]: value },
      })),
      { what: `/${name} taken away`, value: Object.fromEntries(entries.filter(([other]) => other !== name)) },
      {
        what: `/${name} renamed`,
        value: Object.fromEntries(entries.map(([n, v]) => [n === name ? `${n}_` : n, v])),
      },
    ]),
    { what: '/one_more member', value: { ...object, one_more: 'x' } },
  ];
}

/** The lowest bit of one character is flipped: the smallest change of a string that there is. */
export function flip(text: string, position: number): string {
  const characters = [...text];
  const changed = String.fromCodePoint((characters[position]?.codePointAt(0) ?? 0) ^ 1);
  return characters.with(position, changed).join('');
}
