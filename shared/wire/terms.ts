/** Terms of a licence that are sent in several places: at issue, in changes, and in the table of products. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';
import { text } from './text.ts';

const DAY_SECONDS = 86_400;
const TEN_YEARS_SECONDS = 3650 * DAY_SECONDS;

export const features = z.array(text).max(64);
export const termDays = z.int().min(1).max(36_500);
export const seats = z.int().positive().max(1_000_000);
/** None at all would allow no version: null is for all. */
export const majorVersions = z.array(z.int().nonnegative()).min(1).max(64);

/** What an on-premises build counts. */
export const limits = z.object({
  max_instances: z.int().positive(),
  max_services: z.int().positive(),
  max_requests_per_day: z.int().positive(),
});

/** As `licensePolicy`, with the most that an operator may ask for. What is left out is as it was, or as the tier says. */
export const policyMembers = {
  heartbeat_seconds: z.int().positive().max(DAY_SECONDS).exactOptional(),
  lease_seconds: z
    .int()
    .positive()
    .max(30 * DAY_SECONDS)
    .exactOptional(),
  offline_grace_seconds: z.int().nonnegative().max(TEN_YEARS_SECONDS).exactOptional(),
  strict_online: z.boolean().exactOptional(),
  borrow_max_seconds: z.int().nonnegative().max(TEN_YEARS_SECONDS).exactOptional(),
};

export const policyChanges = z.object(policyMembers);

/** Ids of machines as they send them, whatever they are made of; an empty list allows none. */
export const allowedHardware = z.array(z.string().min(1).max(MAX_STRING_LENGTH)).max(256).nullable();

/** What members mean in a request as in an answer. */
export const MEANS = {
  allowed_major_versions: { description: 'Major versions of the product that may run; null for all.' },
  seats: { description: 'Floating seats; null is unlimited.' },
  limits: { description: 'What is counted where it runs; null is unlimited.' },
  allowed_hardware: {
    description:
      'Machines that may acquire, by the ids that they send; null for all, an empty list for none.',
  },
  instance_fingerprint: { description: 'The only installation that may run it; null for any.' },
  holder: { description: 'Whom a node-locked licence names; null when it is not node-locked.' },
  notes: { description: 'The operator’s own; null for none.' },
  expires_at: { description: 'The first instant at which it does not hold; null is perpetual.' },
  expiry_strategy: { description: 'What the end means for sessions.' },
} as const;
