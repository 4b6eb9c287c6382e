/** Examples of public keys and of what the service says about itself. */
import { KID } from './values.ts';

const SUNSET = '2027-01-02T03:04:05.678+00:00';

export const JWKS = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: 'VmDw6OAXQvs-TNUMT5WWp0fOyECDayZhcpK70dSOTXo',
      kid: 'kvkc35wFXqHRteUqrlfghII-raXTmSvEyv7mpetldbA',
      alg: 'EdDSA',
      use: 'sig',
      state: 'active',
    },
    {
      kty: 'RSA',
      n: '8WhEw0kP1Zucdr8Pnht34BFAzGqcoWzOykHPt-G4PwdTw5nDbPZaSnyQFMQ6S8sJ…',
      e: 'AQAB',
      kid: 'aExlykvUN-H7S47v3dRrIx4ADyQmScr3uLLCKMdZ8vQ',
      alg: 'RS256',
      use: 'sig',
      state: 'active',
    },
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: 'o2KF9F8XFfKPaLAqevp7JW3JlA7Z6AHk6nNTba97lsg',
      kid: KID,
      alg: 'EdDSA',
      use: 'sig',
      state: 'retiring',
      sunset_at: SUNSET,
      issuer: 'https://aegis.example.com',
    },
  ],
};

export const KEYS = {
  keys: [
    {
      kid: KID,
      algorithm: 'EC_SIGN_ED25519',
      state: 'retiring',
      sunset_at: SUNSET,
      issuer: 'https://aegis.example.com',
      pem_url: `/api/v1/keys/${KID}.pem`,
    },
  ],
};

/** Shortened: a JWS whose payload lists the keys. */
export const MANIFEST =
  'eyJhbGciOiJFZERTQSIsInR5cCI6ImxpY2Vuc2Uta2V5cytqd3QifQ.eyJ2ZXJzaW9uIjoxfQ.c2lnbmF0dXJl';

/** Shortened. */
export const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIFazCCA1OgAwIBAgIUe…\n-----END CERTIFICATE-----\n';

export const HEALTH = { status: 'ok', version: '1.4.0', environment: 'production', store: 'ok' };

export const INFO = {
  name: 'countersign',
  version: '1.4.0',
  issuer: 'https://licences.example.com',
  environment: 'production',
  active_key_ids: ['aoSsl-gifXLc2wQqsf4wIfs_hqcC0TsLc4hoYpmeLKo'],
};

export const SWEEP = {
  sessions_ended: 3,
  idempotency_keys_forgotten: 1,
  licenses_looked_at: 0,
  left: 0,
  damaged: 0,
  complete: true,
};
