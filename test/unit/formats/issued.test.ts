/** What all formats of issued licences promise, and hostile text. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, type AlgorithmName } from '../../../shared/algorithms.ts';
import { aegis } from '../../../shared/formats/aegis.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../../shared/formats/dtlic2.ts';
import type { KeyReference } from '../../../shared/formats/format.ts';
import { FORMATS } from '../../../shared/formats/index.ts';
import {
  type DecodedLicense,
  decodeIssued,
  ISSUED_FORMATS,
  type IssuedFormat,
  recognizeIssued,
} from '../../../shared/formats/issued.ts';
import { jsonDocument, safeNumber } from '../../support/arbitrary-json.ts';
import {
  aegisOf,
  aegisPayload,
  caioOf,
  caioPayload,
  caioV1Of,
  documentCodeOf,
  dtlic2Of,
  dtlic2Terms,
  issuable,
  seal,
} from '../../support/issued-licenses.ts';
import { documentPayload } from '../../support/records.ts';
import { base64url, ED, inlineOf, jwsOf, RSA, textOf } from '../../support/signed-documents.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The licence that the text is, of a format that signs. */
function signedLicense(text: string): DecodedLicense {
  const decoded = decodeIssued(text);
  if (decoded === undefined || 'mac' in decoded) throw new Error('this is no signed licence');
  return decoded;
}

describe('the table', () => {
  test('has a row of its own name for each format', () => {
    const names = Object.entries(ISSUED_FORMATS).map(([key, { name }]) => [key, name]);
    expect(names).toEqual(['aegis', 'caio-v1', 'caio-v2', 'dtlic2'].map((name) => [name, name]));
  });

  const texts: [string, () => string, string | undefined][] = [
    ['an AEGIS licence', () => seal(aegis, aegisPayload()), 'aegis'],
    ['a CAIO v1 licence', () => caioV1Of('{}'), 'caio-v1'],
    ['a CAIO v2 licence', () => seal(caioV2, caioPayload()), 'caio-v2'],
    ['a DTLIC2 licence', () => seal(dtlic2, dtlic2Terms()), 'dtlic2'],
    ['a session as JWS', () => jwsOf(ED), undefined],
    ['a session as inline document', () => textOf(inlineOf(ED)), undefined],
    ['CAIO of a version to come', () => caioOf(ED, '{}').replace('v2', 'v3'), undefined],
    ['nothing', () => '', undefined],
  ];

  test.each(texts)('knows %s', (_what, make, name) => {
    const text = make();
    const recognizing = Object.values(ISSUED_FORMATS).filter((format) => format.recognizes(text));
    expect(recognizing.map((format) => format.name)).toEqual(name === undefined ? [] : [name]);
    expect(recognizeIssued(text)?.name).toBe(name);
    expect(decodeIssued(text)?.license.format).toBe(name);
  });

  test('gives a session to the other table and an AEGIS licence not', () => {
    expect(documentCodeOf(() => FORMATS.jws.decode(jwsOf(ED)))).toBe('decoded');
    expect(documentCodeOf(() => FORMATS.jws.decode(seal(aegis, aegisPayload())))).toBe('unsupported_header');
  });

  test.each(['DTLIC2:', 'CAIO-v1-', 'CAIO-v2-', `${base64url('{"typ":"JWT"}')}..`])(
    'throws for %s, which a format recognizes and which is malformed',
    (text) => {
      expect(documentCodeOf(() => decodeIssued(text))).toBe('malformed_document');
    },
  );

  test('signs nothing in one format that another would take', () => {
    const key = { kid: 'k', algorithm: ED } as const;
    const signed = {
      aegis: aegis.signedBytes(aegisPayload(), key),
      'caio-v2': caioV2.signedBytes(caioPayload(), key),
      dtlic2: dtlic2.signedBytes(dtlic2Terms(), key),
      inline: FORMATS.inline.signedBytes(documentPayload({ license_key: 'DEMO-1' }), key),
      jws: FORMATS.jws.signedBytes(documentPayload(), key),
    };
    for (const [name, bytes] of Object.entries(signed)) {
      const text = new TextDecoder().decode(bytes);
      const customerId = 'acme-de-2';
      const taken = [
        ['aegis', `${text}.${base64url(new Uint8Array(64))}`],
        ['caio-v2', caioOf(ED, text, { customerId })],
        ['dtlic2', dtlic2Of(ED, text)],
      ].filter(([format, forged = '']) => format !== name && decodes(forged));
      expect(taken, `${name} is taken for another format`).toEqual([]);
    }
  });
});

function decodes(text: string): boolean {
  return recognizeIssued(text) !== undefined && documentCodeOf(() => decodeIssued(text)) === 'decoded';
}

describe('every licence that can be issued', () => {
  async function expectLossless<Payload extends object>(
    format: IssuedFormat<Payload>,
    payloads: fc.Arbitrary<Payload>,
    algorithms: readonly AlgorithmName[],
    claimsOf: (payload: Payload, key: KeyReference) => object = (payload) => payload,
  ) {
    await fc.assert(
      fc.property(payloads, fc.constantFrom(...algorithms), (payload, algorithm) => {
        const key = { kid: 'kid-1', algorithm };
        const bytes = new Uint8Array(ALGORITHMS[algorithm].signatureBytes).fill(7);
        const decoded = signedLicense(format.encode(payload, { ...key, bytes }));
        expect(decoded.payload).toEqual(claimsOf(payload, key));
        expect(hex(decoded.signedBytes)).toBe(hex(format.signedBytes(payload, key)));
        expect(decoded.signature).toEqual(bytes);
        expect(decoded.algorithms).toEqual([algorithm]);
        expect(decoded.license.format).toBe(format.name);
      }),
      { numRuns: 500 },
    );
  }

  test('of AEGIS comes back as it was', () => expectLossless(aegis, issuable.aegis, [ED]));
  test('of CAIO comes back as it was', () => expectLossless(caioV2, issuable.caio, [ED, RSA]));
  test('of DTLIC2 comes back as it was', () =>
    expectLossless(dtlic2, issuable.dtlic2, [ED], (payload, { kid }) => ({ ...payload, kid })));
});

describe('hostile text', () => {
  const seeds = [
    seal(aegis, aegisPayload()),
    seal(caioV2, caioPayload()),
    seal(dtlic2, dtlic2Terms()),
    caioV1Of(JSON.stringify(caioPayload())),
  ];
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const piece = fc.oneof(
    fc.constantFrom('', '.', '-', '=', '==', ':', '{', 'CAIO-v1-', 'DTLIC2:', '\n', '\u0000', '\ud800', '😀'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );

  /** Decodes or throws a DocumentError; `documentCodeOf` fails for any other error. */
  const decode = (text: string) => {
    documentCodeOf(() => decodeIssued(text));
    for (const format of Object.values(ISSUED_FORMATS)) documentCodeOf(() => format.decode(text));
  };

  test('throws nothing but a DocumentError when a genuine text is damaged', () => {
    const edit = fc.tuple(place, fc.nat({ max: 40 }), piece);
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (seed, edits) => {
          const text = edits.reduce((before, [where, length, inserted]) => {
            const start = Math.floor(where * before.length);
            return before.slice(0, start) + inserted + before.slice(start + length);
          }, seed);
          decode(text);
          if (!decodes(text)) refused += 1;
        },
      ),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(1_500);
  });

  test('throws nothing but a DocumentError when any JSON is in it', () => {
    fc.assert(
      fc.property(jsonDocument(safeNumber), (value) => {
        const json = JSON.stringify(value);
        decode(dtlic2Of(ED, json));
        decode(caioOf(ED, json));
        decode(caioV1Of(json));
        if (typeof value === 'object' && value !== null) decode(aegisOf(ED, value));
      }),
      { numRuns: 500 },
    );
  });

  test('throws nothing but a DocumentError when a member is set to anything', () => {
    const value = jsonDocument(safeNumber);
    const member = fc.constantFrom(
      ...new Set([aegisPayload(), caioPayload(), dtlic2Terms(), { kid: '' }].flatMap(Object.keys)),
    );
    fc.assert(
      fc.property(member, value, (name, changed) => {
        decode(aegisOf(ED, { ...aegisPayload(), [name]: changed }));
        decode(caioOf(ED, JSON.stringify({ ...caioPayload(), [name]: changed })));
        decode(caioV1Of(JSON.stringify({ ...caioPayload(), [name]: changed })));
        decode(dtlic2Of(ED, JSON.stringify({ ...dtlic2Terms(), kid: 'k', [name]: changed })));
      }),
      { numRuns: 500 },
    );
  });

  test.each(['CAIO-v1-', 'CAIO-v2-', 'DTLIC2:', ''])(
    'of 65,536 characters after "%s" is refused',
    (prefix) => {
      for (const filler of ['-', '.', 'A', 'A-', '=', 'a0', '-A.']) {
        const text = prefix + filler.repeat(65_536 / filler.length);
        decode(text.slice(0, 65_536));
        expect(decodes(text.slice(0, 65_536))).toBe(false);
      }
    },
  );
});
