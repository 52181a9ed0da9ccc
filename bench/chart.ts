export type Curve = {
  readonly name: string;
  readonly points: readonly { readonly count: number; readonly timeUs: number; readonly memoryMb: number }[];
};

const WIDTH = 640;
const HEIGHT = 360;
const MARGIN = { left: 56, right: 16, top: 40, bottom: 44 };
const COLOURS = ["#1f5fa8", "#b3541e"];

/** Times over counts as an SVG with logarithmic axes; each point says its figures when it is pointed at. */
export function chart(curves: readonly Curve[]): string {
  const all = curves.flatMap(({ points }) => points);
  const x = axis(
    all.map(({ count }) => count),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = axis(
    all.map(({ timeUs }) => timeUs),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const lines = curves.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const path = points.map(({ count, timeUs }) => `${x.at(count)},${y.at(timeUs)}`).join(" ");
    const dots = points.map(
      ({ count, timeUs, memoryMb }) =>
        `<circle cx="${x.at(count)}" cy="${y.at(timeUs)}" r="4" fill="${colour}"><title>${count} ${name}: ${timeUs.toFixed(2)} µs, ${memoryMb.toFixed(1)} MB</title></circle>`,
    );
    const legend = `<text x="${MARGIN.left + 8 + i * 110}" y="22" fill="${colour}">${name}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}${legend}`;
  });
  const grid = [
    ...x.ticks.map(
      (tick) =>
        `<line x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="#ccc"/><text x="${x.at(tick)}" y="${HEIGHT - 24}" text-anchor="middle">${tick}</text>`,
    ),
    ...y.ticks.map(
      (tick) =>
        `<line y1="${y.at(tick)}" y2="${y.at(tick)}" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" stroke="#ccc"/><text x="${MARGIN.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tick} µs</text>`,
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">
<title>Time of a decision over the number of rules and of sessions</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${grid.join("\n")}
${lines.join("\n")}
</svg>
`;
}

/** A logarithmic axis over whole powers of ten around the values. */
function axis(
  values: readonly number[],
  from: number,
  to: number,
): { readonly ticks: readonly number[]; at(value: number): number } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => Number((10 ** (low + i)).toPrecision(1)));
  const at = (value: number): number =>
    Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10;
  return { ticks, at };
}
