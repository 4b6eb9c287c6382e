/** @throws RangeError for no values */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The nearest-rank percentile: always one of the values. @throws RangeError for no values */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)];
  if (value === undefined) throw new RangeError('there are no values');
  return value;
}
