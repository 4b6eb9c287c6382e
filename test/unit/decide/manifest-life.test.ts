/** When a manifest has to be renewed: at its half, at its last third, and at its end, to the millisecond. */
import { expect, test } from 'vitest';
import { manifestLife } from '../../../shared/decide/manifest-life.ts';
import { NOW } from '../../support/records.ts';

const LIFE = 6000;
const record = { published_at: NOW, expires_at: NOW + LIFE };

test.each([
  [-1, 'fresh'],
  [0, 'fresh'],
  [LIFE / 2, 'fresh'],
  [LIFE / 2 + 1, 'renew'],
  [(LIFE * 2) / 3, 'renew'],
  [(LIFE * 2) / 3 + 1, 'ending'],
  [LIFE - 1, 'ending'],
  [LIFE, 'over'],
  [LIFE + 1, 'over'],
  [Number.NaN, 'over'],
])('%d ms after its publication it is %s', (elapsed, life) => {
  expect(manifestLife(record, NOW + elapsed)).toBe(life);
});
