/**
 * `audit/{seq}`: what somebody did, written in the same commit as its effect. It holds no secret. Events are a chain: each
 * has the hash of the one before it, and `audit/head` that of the last, so that one which is missing or was changed shows.
 */
import { z } from 'zod';
import { instant } from './instant.ts';

const hash = z.string();

export const auditRecord = z.object({
  /** From 1, without holes. */
  seq: z.int().positive(),
  /** Random, the same for every attempt of one act. */
  id: z.string(),
  at: instant,
  /** Who, as the caller's credentials or the operator's machine name them. */
  actor: z.string(),
  /** From where: an address, or null. */
  source: z.string().nullable(),
  request_id: z.string().nullable(),
  /** `licenses.revoke`, say. */
  action: z.string(),
  /** What it was done to: a licence id, a kid. */
  target: z.string(),
  before: z.json(),
  after: z.json(),
  /** The hash of the event before; empty of the first. */
  previous: hash,
  /** SHA-256 in hex over the canonical JSON (RFC 8785) of all other members. */
  hash,
});

/** `audit_chain/head`: the end of the chain. */
export const auditHeadRecord = z.object({ seq: z.int().nonnegative(), hash });

export type AuditHead = z.infer<typeof auditHeadRecord>;
