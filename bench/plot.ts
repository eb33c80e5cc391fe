/** The plot of a result as SVG, without a library: bars of medians, a whisker from least to greatest round. */
import { type Figure, measured, type Result } from "./result.ts";

const PANELS = [
  ["get-small", "cpuUsPerRequest", "CPU µs per request, small GET"],
  ["get-64k", "cpuUsPerRequest", "CPU µs per request, 64 KiB GET"],
  ["post-64k", "cpuUsPerRequest", "CPU µs per request, 64 KiB POST"],
  ["latency", "p99Ms", "p99 ms at 1,000 requests/s"],
  ["memory", "idleAnonymousMb", "anonymous MB, idle"],
] as const;

const WIDTH = 640;
const LEFT = 100;
const ROW = 22;
const SPAN = WIDTH - LEFT - 90;

/** One panel for each scenario measured, below one another. */
export function plot(result: Result): string {
  let y = 10;
  const parts: string[] = [];
  for (const [scenario, field, title] of PANELS) {
    const peers = result.scenarios.find(({ name }) => name === scenario)?.peers ?? {};
    const bars: [string, Figure][] = [];
    for (const [name, each] of Object.entries(peers)) {
      const figure = measured(each) ? each[field] : undefined;
      if (figure !== undefined) bars.push([name, figure]);
    }
    if (bars.length === 0) continue;
    parts.push(panel(title, bars, y));
    y += 30 + bars.length * ROW + 14;
  }
  const style = "text{font:12px sans-serif;fill:#24292f}.t{font-weight:600}line{stroke:#24292f}";
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">`;
  return `${open}\n<style>${style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}

function panel(title: string, bars: readonly [string, Figure][], top: number): string {
  const most = Math.max(...bars.map(([, figure]) => figure.max), Number.MIN_VALUE);
  const x = (value: number): string => (LEFT + (value / most) * SPAN).toFixed(1);
  const lines = bars.map(([name, { median, min, max }], i) => {
    const y = top + 26 + i * ROW;
    const colour = name === "weft" ? "#1f6feb" : "#9aa4af";
    const middle = y + 7;
    return [
      `<text x="${LEFT - 8}" y="${y + 11}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${((median / most) * SPAN).toFixed(1)}" height="14" fill="${colour}"/>`,
      `<line x1="${x(min)}" y1="${middle}" x2="${x(max)}" y2="${middle}"/>`,
      `<line x1="${x(min)}" y1="${y + 3}" x2="${x(min)}" y2="${y + 11}"/>`,
      `<line x1="${x(max)}" y1="${y + 3}" x2="${x(max)}" y2="${y + 11}"/>`,
      `<text x="${(Number(x(max)) + 6).toFixed(1)}" y="${y + 11}">${median.toFixed(median < 10 ? 2 : 1)}</text>`,
    ].join("");
  });
  return [`<text class="t" x="10" y="${top + 14}">${title}</text>`, ...lines].join("\n");
}
