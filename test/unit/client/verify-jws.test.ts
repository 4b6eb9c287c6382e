/** Documents that lack a member or have a wrong one, though they were signed so. Attacks are a table of their own. */
import { describe, expect, test } from 'vitest';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { documentPayload } from '../../support/records.ts';
import { inlineOf, jwsOf, KINDS, sorted } from '../../support/signed-documents.ts';
import { verdict } from '../../support/verdict.ts';

describe.each(KINDS)(
  'a document that the key of %s signed, but that no issuer of ours would make',
  (kind) => {
    const incomplete = Object.keys(documentPayload()) as (keyof DocumentPayload)[];

    test.each(incomplete)('a payload without %s', async (member) => {
      const { [member]: _, ...payload } = documentPayload();
      const text = sorted(payload);
      expect(await verdict(jwsOf(kind, { payload: text }))).toBe('malformed_document');
      expect(await verdict(inlineOf(kind, { [member]: undefined }))).toBe('malformed_document');
    });

    const wrong: [string, object][] = [
      ['an expiry that is no instant', { expires_at: 'never' }],
      ['an expiry that is null', { expires_at: null }],
      ['an expiry as a number', { expires_at: 9_999_999_999 }],
      ['an expiry without an offset', { expires_at: '2099-01-01T00:00:00' }],
      ['an expiry on a day that does not exist', { expires_at: '2099-02-30T00:00:00+00:00' }],
      ['an expiry in hour 24', { expires_at: '2099-01-01T24:00:00+00:00' }],
      ['a time of signing that is no instant', { signed_at: '' }],
      ['features that are no list', { features: 'export' }],
      ['features that are no strings', { features: [1] }],
      ['a tier that we do not have', { tier: 'platinum' }],
      ['a customer that is a name', { customer: 'Ada' }],
      ['borrowed as text', { borrowed: 'false' }],
      ['versions as text', { allowed_major_versions: ['17'] }],
    ];

    test.each(wrong)('%s', async (_name, members) => {
      expect(await verdict(jwsOf(kind, { payload: sorted({ ...documentPayload(), ...members }) }))).toBe(
        'malformed_document',
      );
      expect(await verdict(inlineOf(kind, members))).toBe('malformed_document');
    });
  },
);
