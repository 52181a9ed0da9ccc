/** docs/workloads.md holds figures of one machine: its shape is checked, not what it says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HEADER, MEASURED, WORKLOADS } from "../workloads/table.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/workloads.md"), "utf8");
const cells = (line: string): string[] =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());

test("docs/workloads.md has one row for each workload, with figures or the reason why there are none", () => {
  const [head = "", , ...lines] = MEASURED.exec(page)?.[2]?.trim().split("\n") ?? [];
  expect(cells(head)).toEqual(HEADER);
  expect(lines.map((line) => cells(line)[0])).toEqual(WORKLOADS.map(({ name }) => name));
  for (const line of lines) {
    const [name, kind, ...figures] = cells(line);
    const last = figures.pop() ?? "";
    expect(kind, name).toMatch(/^(?:reads|writes|computes|starts)$/);
    expect(last, name).not.toBe("");
    if (figures.every((figure) => figure === "-")) expect(last, name).toMatch(/^(?:needs|not measured) /);
    else for (const figure of figures) expect(figure, name).toMatch(/^-?\d+(?:\.\d\d)?$/);
  }
});

test("no two workloads have the same name", () => {
  expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length);
  expect(WORKLOADS.length).toBeGreaterThan(20);
});
