/** One row of the result. `ratio` is value / floor in the same run; `bar` the most it may be (or the least, for rates). */
export type Row = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the machine allows: the C program or the peer measured beside it. null where the bar is absolute. */
  readonly floor: number | null;
  readonly ratio: number | null;
  readonly bar: number;
  /** "most": the ratio (or the value, without a floor) must not exceed the bar; "least": must reach it. */
  readonly sense: "most" | "least";
  /** Relative spread of the measurement, as a share: 0.1 is 10 %. A miss within it is not called a miss. */
  readonly noise: number;
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Half the interquartile range over the median. */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return (at(0.75) - at(0.25)) / 2 / median(values);
}

/** A row from rounds in which value and floor were measured one after the other. */
export function compare(
  name: string,
  unit: string,
  rounds: readonly { readonly value: number; readonly floor: number }[],
  bar: number,
): Row {
  const ratios = rounds.map((round) => round.value / round.floor);
  return {
    name,
    unit,
    value: median(rounds.map((round) => round.value)),
    floor: median(rounds.map((round) => round.floor)),
    ratio: median(ratios),
    bar,
    sense: "most",
    noise: spread(ratios),
  };
}

export function passes(row: Row): boolean {
  const measured = row.ratio ?? row.value;
  const slack = Math.min(row.noise, 0.25);
  return row.sense === "most" ? measured <= row.bar * (1 + slack) : measured >= row.bar * (1 - slack);
}
