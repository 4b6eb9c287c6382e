import { z } from 'zod';
import { LAST_INSTANT_MS } from '../constants.ts';

/** Whole milliseconds since the epoch, up to the last instant that RFC 3339 can write. */
export const instant = z.int().nonnegative().max(LAST_INSTANT_MS);
