/**
 * A session id says where its session is stored, so that a heartbeat that carries nothing else finds it in one
 * read, and which generation it belongs to, so that a superseded process is told apart from the live one.
 *
 * `ses_` + licence hash + hardware hash + generation, 32 hex characters each.
 */
import { hex } from './canonical/hex.ts';
import type { Random } from './ports/random.ts';

export interface SessionAddress {
  readonly license: string;
  readonly hardware: string;
  readonly generation: string;
}

const PATTERN = /^ses_([0-9a-f]{32})([0-9a-f]{32})([0-9a-f]{32})$/;

export function formatSessionId({ license, hardware, generation }: SessionAddress): string {
  return `ses_${license}${hardware}${generation}`;
}

/** Undefined for anything that `formatSessionId` did not make. */
export function parseSessionId(text: string): SessionAddress | undefined {
  const [, license, hardware, generation] = PATTERN.exec(text) ?? [];
  if (license === undefined || hardware === undefined || generation === undefined) return undefined;
  return { license, hardware, generation };
}

/** 128 random bits, hex. */
export function newGeneration(random: Random): string {
  return hex(random.bytes(16));
}
