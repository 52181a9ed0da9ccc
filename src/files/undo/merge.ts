import { diffArrays } from "diff";

const TIMEOUT_MS = 2000;

export type Merged = { readonly text: string; readonly conflicts: number };
/** What stands behind the marks of a conflict. */
export type Names = { readonly mine: string; readonly base: string; readonly theirs: string };

/** Lines [from, to) of the base are replaced by `lines`. */
type Hunk = { readonly from: number; readonly to: number; readonly lines: readonly string[] };

/**
 * Joins what two sides made of one text, line by line. Where both changed the same or neighbouring lines in different ways, all
 * three versions stand between marks, as git writes them (diff3). null when the texts differ too much to compare. Pure.
 */
export function mergeTexts(base: string, mine: string, theirs: string, names: Names): Merged | null {
  const lines = linesOf(base);
  const ours = hunksOf(lines, linesOf(mine));
  const others = hunksOf(lines, linesOf(theirs));
  if (ours === null || others === null) return null;
  const out: string[] = [];
  let at = 0;
  let conflicts = 0;
  while (ours.length > 0 || others.length > 0) {
    const region = nextRegion(ours, others);
    out.push(...lines.slice(at, region.from));
    at = region.to;
    const [one, two] = [region.ours, region.others].map((hunks) => applied(lines, region, hunks));
    if (region.others.length === 0 || same(one!, two!)) out.push(...one!);
    else if (region.ours.length === 0) out.push(...two!);
    else {
      conflicts++;
      const between = lines.slice(region.from, region.to);
      out.push(...marked(one!, between, two!, names));
    }
  }
  out.push(...lines.slice(at));
  return { text: out.join(""), conflicts };
}

/** Each with its end of line; the last one may have none. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function hunksOf(base: readonly string[], side: readonly string[]): Hunk[] | null {
  const parts = diffArrays([...base], [...side], { timeout: TIMEOUT_MS });
  if (parts === undefined) return null;
  const hunks: Hunk[] = [];
  let at = 0;
  let open: { from: number; to: number; lines: string[] } | null = null;
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      open = null;
      at += value.length;
      continue;
    }
    if (open === null) {
      open = { from: at, to: at, lines: [] };
      hunks.push(open);
    }
    if (added) open.lines.push(...value);
    else {
      at += value.length;
      open.to = at;
    }
  }
  return hunks;
}

type Region = { from: number; to: number; ours: Hunk[]; others: Hunk[] };

/** Takes the next hunk off both lists, with all that overlap it or touch it. */
function nextRegion(ours: Hunk[], others: Hunk[]): Region {
  const from = Math.min(
    ours[0]?.from ?? Number.POSITIVE_INFINITY,
    others[0]?.from ?? Number.POSITIVE_INFINITY,
  );
  const region: Region = { from, to: from, ours: [], others: [] };
  const take = (list: Hunk[], taken: Hunk[]): boolean => {
    const [next] = list;
    if (next === undefined || next.from > region.to) return false;
    region.to = Math.max(region.to, next.to);
    taken.push(next);
    list.shift();
    return true;
  };
  while (take(ours, region.ours) || take(others, region.others)) {
    // Until nothing more reaches into it.
  }
  return region;
}

function applied(base: readonly string[], { from, to }: Region, hunks: readonly Hunk[]): string[] {
  const out: string[] = [];
  let at = from;
  for (const hunk of hunks) {
    out.push(...base.slice(at, hunk.from), ...hunk.lines);
    at = hunk.to;
  }
  out.push(...base.slice(at, to));
  return out;
}

function same(one: readonly string[], two: readonly string[]): boolean {
  return one.length === two.length && one.every((line, index) => line === two[index]);
}

function marked(mine: string[], base: string[], theirs: string[], names: Names): string[] {
  return [
    `<<<<<<< ${names.mine}\n`,
    ...closed(mine),
    `||||||| ${names.base}\n`,
    ...closed(base),
    "=======\n",
    ...closed(theirs),
    `>>>>>>> ${names.theirs}\n`,
  ];
}

/** A mark begins a line of its own. */
function closed(lines: string[]): string[] {
  return lines.map((line) => (line.endsWith("\n") ? line : `${line}\n`));
}
