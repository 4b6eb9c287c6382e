/**
 * Bodies about one live session: those that would write to it, and those that are refused for what they name. Every
 * generator of malformed requests is a function of these.
 */
import fc from 'fast-check';
import { generateLicenseKey } from '../../../shared/license-key.ts';
import { JSON_HEADERS, MARKER, type Name, POST_PATHS, pathOf, rightFor, type Shot } from './shot.ts';

/** The session that exists all along, and that no malformed request may touch. */
export interface LiveSession {
  readonly licenseKey: string;
  readonly hardwareId: string;
  readonly sessionId: string;
  /** Its inline document. */
  readonly token: Readonly<Record<string, unknown>>;
}

export type Body = Record<string, unknown>;

export interface Bodies {
  readonly live: LiveSession;
  /** A body that would succeed. Nothing of these may be sent without a certain fault. */
  good(name: Name): Body;
  /** Bodies that stay refused when any two of their bytes change; of `release`, which has fewer fields, any one. */
  thriceWrong(name: Name): Body;
  /** Well-formed bodies about things that do not exist or do not fit. */
  readonly refusedCase: fc.Arbitrary<{ readonly name: Name; readonly body: Body }>;
}

const UNKNOWN_KEY = generateLicenseKey('TEST', { bytes: (length) => new Uint8Array(length).fill(7) });
const UNKNOWN_SESSION = `ses_${'0123456789abcdef'.repeat(6)}`;

export function bodiesAbout(live: LiveSession): Bodies {
  return {
    live,
    good: (name) => goodBody(live, name),
    thriceWrong: (name) => thriceWrongBody(live, name),
    refusedCase: anyName.chain((name) =>
      fc.constantFrom(...refusedBodies(live, name)).map((body) => ({ name, body })),
    ),
  };
}

function goodBody(live: LiveSession, name: Name): Body {
  const { licenseKey: license_key, hardwareId: hardware_id, sessionId: session_id } = live;
  const bodies: Record<Name, Body> = {
    acquire: { license_key, hardware_id, nonce: 'n', format: 'inline' },
    borrow: { license_key, hardware_id, borrow_seconds: 60 },
    heartbeat: { session_id, license_key, hardware_id, document: true, nonce: 'n' },
    release: { session_id, license_key, hardware_id },
    validate: { token: live.token, product: 'demo-app', hardware_id, features: ['export'] },
  };
  return bodies[name];
}

function refusedBodies(live: LiveSession, name: Name): Body[] {
  const { licenseKey, hardwareId, sessionId, token } = live;
  const stranger = { license_key: UNKNOWN_KEY, hardware_id: MARKER };
  const noSeat = { license_key: licenseKey, hardware_id: MARKER };
  const wrongSession = { session_id: UNKNOWN_SESSION, ...stranger };
  const wrongMachine = { session_id: sessionId, hardware_id: MARKER };
  const wrongKey = { session_id: sessionId, license_key: UNKNOWN_KEY, hardware_id: hardwareId };
  const bodies: Record<Name, Body[]> = {
    acquire: [stranger, noSeat],
    borrow: [
      { ...stranger, borrow_seconds: 60 },
      { license_key: licenseKey, hardware_id: hardwareId, borrow_seconds: 60 },
    ],
    heartbeat: [wrongSession, wrongMachine, wrongKey],
    release: [wrongSession, wrongMachine, wrongKey],
    validate: [
      { token: { ...token, tier: 'enterprise' } },
      { token: MARKER },
      { token: { [MARKER]: MARKER } },
    ],
  };
  return bodies[name];
}

function thriceWrongBody(live: LiveSession, name: Name): Body {
  const wrong = {
    format: MARKER,
    nonce: 7,
    license_key: UNKNOWN_KEY,
    hardware_id: MARKER,
    borrow_seconds: 60,
  };
  if (name === 'validate')
    return { token: { ...live.token, tier: 'enterprise', seats: MARKER }, product: MARKER };
  return name === 'heartbeat' || name === 'release' ? { session_id: live.sessionId, ...wrong } : wrong;
}

export const anyName = fc.constantFrom(...POST_PATHS);
const via = fc.constantFrom('fetch' as const, 'agent' as const, 'raw' as const);

/** A POST of these bytes as JSON. */
export function postOf(name: Name, body: string, more: Partial<Shot> = {}): fc.Arbitrary<Shot> {
  return via.map((transport) => ({
    via: transport,
    method: 'POST',
    path: pathOf(name),
    headers: JSON_HEADERS,
    body,
    right: rightFor(name),
    ...more,
  }));
}
