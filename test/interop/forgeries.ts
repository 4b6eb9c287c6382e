/** Ways to change a licence of any format that every verifier has to notice. */
import { createHmac } from 'node:crypto';
import { ALGORITHM_NAMES, ALGORITHMS } from '../../shared/algorithms.ts';
import { replaceAt } from '../support/signed-documents.ts';
import type { Licence, PublishedKeys } from './verifiers.ts';

interface Forgery {
  readonly what: string;
  readonly text: string;
}

type Named = Licence & { readonly what: string };

export function forgeriesOf({ what, kid, text }: Named, { pems }: PublishedKeys): Named[] {
  const forgeries = changesOf(text, pems[kid] ?? '');
  return forgeries.map((forgery) => ({ what: `${what}: ${forgery.what}`, kid, text: forgery.text }));
}

/** `pem` is the public key that the licence verifies with: everybody has it. */
function changesOf(text: string, pem: string): Forgery[] {
  const made = text.startsWith('{') ? inlineForgeries(text) : textForgeries(text);
  const all = [...made, ...(text.startsWith('eyJ') ? headerForgeries(text, pem) : [])];
  const same = all.filter((forgery) => forgery.text === text);
  if (same.length > 0) throw new Error(`nothing was changed: ${same.map(({ what }) => what)}`);
  return all;
}

/** One character of base64 for another one that no decoder takes for the same. */
function textForgeries(text: string): Forgery[] {
  const dot = text.lastIndexOf('.');
  const payload = text.startsWith('eyJ')
    ? text.indexOf('.')
    : Math.max(text.indexOf(':'), text.lastIndexOf('-', dot));
  const at = (place: number) => replaceAt(text, place, text[place] === 'A' ? 'B' : 'A');
  return [
    { what: 'the first character of the payload', text: at(payload + 1) },
    { what: 'a character in the middle of the payload', text: at(Math.floor((payload + dot) / 2)) },
    { what: 'a character of the signature', text: at(dot + 5) },
    { what: 'a signature of nothing', text: text.slice(0, dot + 1) },
    { what: 'a signature that is short', text: text.slice(0, -4) },
    ...(text.startsWith('CAIO')
      ? [{ what: 'another customer before the same payload', text: text.replace('CAIO-v2-', 'CAIO-v2-x') }]
      : []),
  ];
}

/** RFC 8725 §2.1: what the header says of the algorithm is a forger's choice. */
function headerForgeries(text: string, pem: string): Forgery[] {
  const [head = '', payload = '', signature = ''] = text.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString());
  const under = (alg: string) => Buffer.from(JSON.stringify({ ...header, alg })).toString('base64url');
  const other = Object.values(ALGORITHMS).find(({ jose }) => jose !== header.alg)?.jose ?? '';
  const hmac = createHmac('sha256', pem)
    .update(`${under('HS256')}.${payload}`)
    .digest('base64url');
  return [
    { what: 'the algorithm of another key', text: `${under(other)}.${payload}.${signature}` },
    { what: 'the algorithm none', text: `${under('none')}.${payload}.` },
    { what: 'an HMAC by the public key', text: `${under('HS256')}.${payload}.${hmac}` },
  ];
}

function inlineForgeries(text: string): Forgery[] {
  const document = JSON.parse(text);
  const { signature, signature_algorithm: algorithm, heartbeat_seconds: seconds } = document;
  const changed = (what: string, members: object) => ({
    what,
    text: JSON.stringify({ ...document, ...members }),
  });
  const flipped = replaceAt(signature, 5, signature[5] === 'A' ? 'B' : 'A');
  return [
    changed('a tier', { tier: document.tier === 'enterprise' ? 'pro' : 'enterprise' }),
    changed('a feature more', { features: [...document.features, 'everything'] }),
    changed('a member more', { note: '' }),
    changed('a character of the signature', { signature: flipped }),
    changed('no signature', { signature: null }),
    changed('another algorithm', { signature_algorithm: ALGORITHM_NAMES.find((name) => name !== algorithm) }),
    {
      what: 'a float',
      text: text.replace(`"heartbeat_seconds":${seconds}`, `"heartbeat_seconds":${seconds}.0`),
    },
  ];
}
