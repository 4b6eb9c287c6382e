/**
 * The operator's table of products: which tiers each is sold in, and what a tier gives. Rows are the same in the file and in
 * the answer.
 */
import { z } from 'zod';
import { policyOf, policyProblem } from '../policy.ts';
import { TIER_NAMES } from '../tiers.ts';
import { features, limits, majorVersions, policyMembers, seats, termDays } from './terms.ts';
import { text } from './text.ts';

// Strict: a misspelt member would silently give nothing.
const tierTerms = z.strictObject({
  features: features.exactOptional(),
  limits: z.strictObject(limits.shape).nullable().exactOptional(),
  seats: seats.nullable().exactOptional(),
  policy: z.strictObject(policyMembers).exactOptional(),
  allowed_major_versions: majorVersions.nullable().exactOptional(),
  duration_days: termDays.nullable().exactOptional(),
});

export type TierTerms = z.output<typeof tierTerms>;

const product = z
  .strictObject({
    /** As requests name it. */
    name: text,
    /** For people. */
    title: text,
    /** What its tiers give that say nothing else. */
    defaults: tierTerms.prefault({}),
    /** Those it is sold in. */
    tiers: z
      .partialRecord(z.enum(TIER_NAMES), tierTerms)
      .refine((tiers) => Object.keys(tiers).length > 0, { error: 'must name at least one tier' }),
  })
  .superRefine(({ defaults, tiers }, context) => {
    for (const tier of TIER_NAMES) {
      if (tiers[tier] === undefined) continue;
      const message = policyProblem({ ...policyOf(tier), ...defaults.policy, ...tiers[tier].policy });
      if (message !== undefined)
        context.addIssue({ code: 'custom', path: ['tiers', tier, 'policy', 'lease_seconds'], message });
    }
  });

export const productTable = z
  .array(product)
  .min(1)
  .superRefine((products, context) => {
    for (const [at, { name }] of products.entries()) {
      if (products.findIndex((other) => other.name === name) < at)
        context.addIssue({ code: 'custom', path: [at, 'name'], message: 'names a product of a row above' });
    }
  });

export type ProductTable = z.output<typeof productTable>;

/** Empty where the operator has no table: then every product may be issued, and no tier gives anything. */
export const listProductsResponse = z.object({ products: z.array(product) }).meta({
  id: 'ListProductsResponse',
  example: {
    products: [
      {
        name: 'sale_forecast',
        title: 'Sale forecast',
        defaults: { allowed_major_versions: [16, 17] },
        tiers: {
          team: { features: ['forecast'], seats: 5, duration_days: 365 },
          pro: { features: ['forecast', 'export'], seats: 25, policy: { borrow_max_seconds: 604_800 } },
        },
      },
    ],
  },
});
