/**
 * Pearson's chi-square test of goodness of fit: how likely counts at least this far from the expected shares would be, if the
 * shares were true. The upper incomplete gamma function is that of Numerical Recipes (§6.2): a series below, a continued fraction above.
 */

/** The p-value of `counts` against `weights`; a count where the weight is 0 gives 0. */
export function chiSquareP(counts: readonly number[], weights: readonly number[]): number {
  const draws = sum(counts);
  const total = sum(weights);
  let statistic = 0;
  let cells = 0;
  for (const [i, weight] of weights.entries()) {
    const count = counts[i] ?? 0;
    if (weight === 0) {
      if (count > 0) return 0;
      continue;
    }
    const expected = (draws * weight) / total;
    statistic += (count - expected) ** 2 / expected;
    cells++;
  }
  return cells < 2 ? 1 : upperGamma((cells - 1) / 2, statistic / 2);
}

function sum(list: readonly number[]): number {
  return list.reduce((total, value) => total + value, 0);
}

/** Q(a, x), regularised. */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let series = term;
    for (let n = 1; n < 1_000 && term > series * 1e-15; n++) {
      term *= x / (a + n);
      series += term;
    }
    return 1 - series * scale;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1_000; n++) {
    const step = -n * (n - a);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction * scale;
}

/** Lanczos' approximation, g = 7. */
function logGamma(z: number): number {
  if (z < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * z)) - logGamma(1 - z);
  const tail = LANCZOS.reduce(
    (series, coefficient, i) => series + coefficient / (z + i),
    0.999_999_999_999_81,
  );
  const t = z + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (z - 0.5) * Math.log(t) - t + Math.log(tail);
}

const LANCZOS = [
  676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_1, -176.615_029_162_140_6,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6, 1.505_632_735_149_311_6e-7,
];
