/** `signing_keys/manifest`: the key manifest that was published last, as it is served. */
import { z } from 'zod';
import { instant } from './instant.ts';

export const manifestRecord = z.object({
  version: z.int().positive(),
  /** The JWS. */
  token: z.string(),
  published_at: instant,
  expires_at: instant,
  /** When each kid was first published: a key signs only after everybody could have read it. */
  first_published: z.record(z.string(), instant).default({}),
});

export type ManifestRecord = z.infer<typeof manifestRecord>;

/** `signing_keys/{kid}`: the X.509 certificate of an RSA key, or the root's own. */
export const certificateRecord = z.object({
  kid: z.string(),
  /** Whose signature it carries. */
  issuer_kid: z.string(),
  /** PEM: the certificate, and after it the one of the root unless it is that. */
  chain: z.string(),
  issued_at: instant,
  expires_at: instant,
});

export type CertificateRecord = z.infer<typeof certificateRecord>;
