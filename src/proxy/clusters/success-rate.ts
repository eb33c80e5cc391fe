/** The success rate under which an endpoint is an outlier among the others (Envoy's success-rate detector). */

/** Mean less `deviations` standard deviations, of rates from 0 to 1. */
export function lowestRate(rates: readonly number[], deviations: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - deviations * Math.sqrt(variance);
}
