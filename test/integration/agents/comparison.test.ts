/** The same acts by an agent of each language: the same verdicts, and the same records. */
import { expect, test } from "vitest";
import { ACTS, AGENT_LIST, type AgentVerdict, type Performance, perform } from "../../support/agents.ts";

const performances = new Map<string, Performance>();

const MUST: readonly AgentVerdict[] = ACTS.map(({ name, expect: must }) =>
  must === "done" ? { name, ok: true } : { name, ok: false, ...must },
);

test.each(AGENT_LIST.map((agent) => [agent.name, agent] as const))(
  "the %s is granted and refused what it must be",
  async (name, agent) => {
    const obstacle = agent.obstacle();
    if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
    const performance = await perform(agent);
    performances.set(name, performance);
    const made = performance.verdicts.filter((verdict) => !("skipped" in verdict));
    expect(made.length).toBeGreaterThan(10);
    expect(made).toEqual(MUST.filter((must) => made.some((verdict) => verdict.name === must.name)));
    expect(performance.run.report?.denials).toBe(
      made.filter((verdict) => !("ok" in verdict && verdict.ok) && "rule" in verdict && verdict.rule !== "")
        .length,
    );
  },
);

test("the records of all agents are the same", () => {
  expect(performances.size).toBeGreaterThan(1);
  const [first, ...others] = [...performances];
  expect(first![1].records.length).toBeGreaterThan(2 * ACTS.length - 10);
  for (const [name, { records }] of others) expect(records, name).toEqual(first![1].records);
});
