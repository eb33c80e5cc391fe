/**
 * Line charts as inline SVG: scales, ticks, axes, paths. Colours are CSS classes of the page, so that one drawing
 * serves light and dark. No script: a point's value is its `<title>`.
 */

/** A scale from values to pixels. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/** One line (or area) of a chart; a gap is an undefined value. */
export interface Series {
  readonly name: string;
  /** Class that gives the colour: `s1`, `s2`, `s3` or `bad`. */
  readonly style: string;
  readonly points: readonly (readonly [x: number, y: number | undefined])[];
  readonly area?: boolean;
  /** Text of a point's tooltip; without it there are no points to hover. */
  readonly title?: (x: number, y: number) => string;
}

export interface Chart {
  readonly x: Scale;
  readonly y: Scale;
  readonly series: readonly Series[];
  readonly label: string;
}

/** Drawing area in units of the view box; the picture scales with the page. */
export const PLOT = { left: 64, right: 944, top: 16, bottom: 256, width: 960, height: 288 } as const;

/** A scale with round steps from 0 to at least `max`. */
export function linearScale(max: number, from: number, to: number, label: (value: number) => string): Scale {
  const step = roundStep(max > 0 ? max : 1);
  const top = Math.ceil((max > 0 ? max : 1) / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return {
    at: (value) => from + ((to - from) * value) / top,
    ticks: ticks.map((value) => ({ value, label: label(value) })),
  };
}

/** A logarithmic scale over whole decades around `min` and `max`, both more than 0. */
export function logScale(
  min: number,
  max: number,
  from: number,
  to: number,
  label: (value: number) => string,
): Scale {
  const low = Math.floor(Math.log10(min) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(max) - 1e-9));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return {
    at: (value) => from + ((to - from) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low),
    ticks: ticks.map((value) => ({ value, label: label(value) })),
  };
}

/** The chart as one `<svg>` element. */
export function drawChart({ x, y, series, label }: Chart): string {
  const grid = y.ticks.map(({ value, label: text }) => {
    const at = fixed(y.at(value));
    return `<path class="grid" d="M${PLOT.left} ${at}H${PLOT.right}"/><text class="tick" x="${PLOT.left - 8}" y="${at}" dy=".32em" text-anchor="end">${escapeHtml(text)}</text>`;
  });
  const below = x.ticks.map(({ value, label: text }) => {
    const at = fixed(x.at(value));
    return `<path class="mark" d="M${at} ${PLOT.bottom}v4"/><text class="tick" x="${at}" y="${PLOT.bottom + 18}" text-anchor="middle">${escapeHtml(text)}</text>`;
  });
  return `<svg viewBox="0 0 ${PLOT.width} ${PLOT.height}" role="img" aria-label="${escapeHtml(label)}">${grid.join("")}<path class="axis" d="M${PLOT.left} ${PLOT.bottom}H${PLOT.right}"/>${below.join("")}${series.map((one) => drawSeries(one, x, y)).join("")}</svg>`;
}

function drawSeries(series: Series, x: Scale, y: Scale): string {
  const runs: string[][] = [[]];
  const dots: string[] = [];
  for (const [px, py] of series.points) {
    if (py === undefined) {
      if (runs.at(-1)?.length !== 0) runs.push([]);
      continue;
    }
    const cx = fixed(x.at(px));
    const cy = fixed(y.at(py));
    runs.at(-1)?.push(`${cx} ${cy}`);
    if (series.title !== undefined) {
      dots.push(
        `<circle class="hit" cx="${cx}" cy="${cy}" r="7"><title>${escapeHtml(series.title(px, py))}</title></circle>`,
      );
    }
  }
  const drawn = runs.filter((run) => run.length > 0);
  const areas = drawn.map((run) => {
    const first = run[0]?.split(" ")[0] ?? "";
    const last = run.at(-1)?.split(" ")[0] ?? "";
    return `<path class="area ${series.style}" d="M${first} ${PLOT.bottom}L${run.join("L")}L${last} ${PLOT.bottom}Z"/>`;
  });
  // A run of one point has no length: a round cap makes it visible.
  const lines = drawn.map(
    (run) => `<path class="line ${series.style}" d="M${run.join("L")}${run.length === 1 ? "h0" : ""}"/>`,
  );
  return (
    (series.area === true ? areas.join("") : "") +
    lines.join("") +
    `<g class="${series.style}">${dots.join("")}</g>`
  );
}

/** Text for use between tags and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** 1, 2 or 5 times a power of ten, so that four to eight steps cover `max`. */
function roundStep(max: number): number {
  const power = 10 ** Math.floor(Math.log10(max / 4));
  const steps = max / 4 / power;
  return power * (steps >= 5 ? 5 : steps >= 2 ? 2 : 1);
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
