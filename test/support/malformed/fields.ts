/** Well-formed JSON whose fields are not what the endpoint takes: wrong types, odd texts, missing and unknown ones. */
import fc from 'fast-check';
import { anyName, type Bodies, type Body, postOf } from './bodies.ts';
import { certain, json, MARKER, type Name, type Shot, utf8 } from './shot.ts';

/** A text that must show up nowhere. */
export const marked = fc.nat(99_999).map((number) => `${MARKER}${number}`);
const looseJson = fc.jsonValue({ maxDepth: 3 });
const container = fc.oneof(
  fc.array(looseJson, { maxLength: 3 }),
  fc.dictionary(marked, looseJson, { maxKeys: 3 }),
);
const notText = fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), container);
const notFormat = fc.oneof(notText, marked, fc.constantFrom('', 'INLINE', 'jws ', 'jwt', 'inline\u0000'));
const notSeconds = fc.oneof(
  marked,
  fc.boolean(),
  fc.constant(null),
  container,
  fc.integer({ max: 0 }),
  fc.constantFrom(1.5, 0.1, -0.5, 1e-7, '60'),
);
const notFlag = fc.oneof(
  marked,
  fc.integer(),
  fc.constant(null),
  container,
  fc.constantFrom('true', 'false', 0, 1),
);
const notToken = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(''),
  fc.array(looseJson),
);
const notFeatures = fc.oneof(
  marked,
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.dictionary(marked, looseJson),
  fc.array(notText, { minLength: 1, maxLength: 5 }),
  fc.constant(Array.from({ length: 65 }, () => MARKER)),
  fc.constantFrom([''], ['export', 'x'.repeat(257)]),
);

const WRONG: Record<Name, Record<string, fc.Arbitrary<unknown>>> = {
  acquire: { license_key: notText, hardware_id: notText, format: notFormat, nonce: notText },
  borrow: {
    license_key: notText,
    hardware_id: notText,
    format: notFormat,
    nonce: notText,
    borrow_seconds: notSeconds,
  },
  heartbeat: {
    session_id: notText,
    license_key: notText,
    hardware_id: notText,
    format: notFormat,
    nonce: notText,
    document: notFlag,
  },
  release: { session_id: notText, license_key: notText, hardware_id: notText },
  validate: {
    token: notToken,
    product: notText,
    version: notText,
    hardware_id: notText,
    features: notFeatures,
    nonce: notText,
  },
};

/** One field of a good body, at least, has a value of a wrong type. */
export const wrongTypes = ({ good }: Bodies): fc.Arbitrary<Shot> =>
  anyName.chain((name) =>
    fc
      .constantFrom(...Object.keys(WRONG[name]))
      .chain((field) => (WRONG[name][field] as fc.Arbitrary<unknown>).map((value) => ({ [field]: value })))
      .chain((fault) =>
        postOf(name, json({ ...good(name), ...fault }), certain('invalid_request', 'json_unsafe_integer')),
      ),
  );

export const REQUIRED: Record<Name, string[]> = {
  acquire: ['license_key', 'hardware_id'],
  borrow: ['license_key', 'hardware_id', 'borrow_seconds'],
  heartbeat: ['session_id'],
  release: ['session_id'],
  validate: ['token'],
};
const oddText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => `${MARKER}${text}`),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => `${text}${MARKER}`),
  fc.constantFrom(
    '\u0000',
    '\u0001\u001f',
    '\u202e',
    '\ufeff',
    '😀'.repeat(64),
    '%00',
    '../..',
    "' OR 1=1 --",
    '__proto__',
  ),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '#{7*7}',
    '{{7*7}}',
    '\r\nx-injected: 1',
    ' '.repeat(256),
    'x'.repeat(256),
  ),
);
const tooLong = fc.integer({ min: 257, max: 30_000 }).map((length) => MARKER.padEnd(length, 'x'));
const withoutOne = ({ good }: Bodies, name: Name) =>
  fc.constantFrom(...REQUIRED[name]).map((field) => {
    const { [field]: _, ...rest } = good(name);
    return rest;
  });

export const oddFields = (bodies: Bodies): fc.Arbitrary<Shot> => {
  const { good, live, refusedCase } = bodies;
  return fc.oneof(
    anyName.chain((name) =>
      withoutOne(bodies, name).chain((body) => postOf(name, json(body), certain('invalid_request'))),
    ),
    anyName.chain((name) =>
      fc
        .constantFrom(
          ...Object.keys(WRONG[name]).filter(
            (field) => !['document', 'borrow_seconds', 'features', 'token'].includes(field),
          ),
        )
        .chain((field) => fc.oneof(fc.constant(''), tooLong).map((text) => ({ [field]: text })))
        .chain((fault) => postOf(name, json({ ...good(name), ...fault }), certain('invalid_request'))),
    ),
    // What identifies the session, the machine or the licence is some other text.
    fc
      .tuple(fc.constantFrom('heartbeat' as const, 'release' as const), oddText)
      .chain(([name, text]) =>
        fc
          .constantFrom<Body>({ session_id: text }, { hardware_id: text }, { license_key: text })
          .chain((fault) => postOf(name, json({ ...good(name), ...fault }))),
      ),
    fc
      .tuple(fc.constantFrom('acquire' as const, 'borrow' as const), oddText)
      .chain(([name, text]) =>
        fc
          .constantFrom<Body>({ hardware_id: text }, { license_key: text })
          .chain((fault) => postOf(name, json({ ...good(name), ...fault }))),
      ),
    // Nearly the live session's id.
    fc
      .tuple(
        fc.constantFrom('heartbeat' as const, 'release' as const),
        fc.nat(99),
        fc.constantFrom('', 'g', 'A', ' ', '\n'),
      )
      .chain(([name, at, letter]) => {
        const id = `${live.sessionId.slice(0, at)}${letter}${live.sessionId.slice(at + 1)}`;
        return postOf(name, json({ session_id: id }), { codes: ['session_not_found'] });
      }),
    // Members that nobody knows, in a body that is refused anyway.
    fc
      .tuple(
        refusedCase,
        fc.oneof(marked, fc.constantFrom('__proto__', 'constructor', 'toString', '', 'seats')),
        looseJson,
      )
      .chain(([{ name, body }, member, value]) =>
        postOf(name, `{${json(member)}:${json(value)},${json(body).slice(1)}`),
      ),
  );
};

/** Whatever is JSON, and objects of known fields with any values. */
export const randomJson = (): fc.Arbitrary<Shot> =>
  fc.oneof(
    fc.tuple(anyName, fc.json({ maxDepth: 6 })).chain(([name, body]) => postOf(name, utf8(body))),
    fc
      .tuple(
        anyName,
        fc.dictionary(fc.constantFrom(...Object.keys(WRONG.heartbeat), 'token', 'features'), looseJson),
      )
      .chain(([name, body]) => postOf(name, json(body))),
  );
