/**
 * Numbers as people read them, the same in the text and the HTML report.
 */

/** A latency: `82 µs`, `1.66 ms`, `12.4 ms`, `1.20 s`. */
export function formatLatency(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1_000)} µs`;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** A count with separators: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A rate: one decimal under 1,000. */
export function formatRate(rate: number): string {
  return rate < 1_000 ? String(Number(rate.toFixed(1))) : formatCount(rate);
}

/** Octets in powers of 1024: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A share from 0 to 1 as per cent that never rounds a failure away: 0.99999 is `99.999 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 100 || percent === 0) return `${percent} %`;
  for (const digits of [2, 3, 4, 6]) {
    const text = percent.toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text} %`;
  }
  return percent > 50 ? "almost 100 %" : "almost 0 %";
}

/** A duration of a plan: `500 ms`, `10 s`, `2 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}
