import { type TestContext, test } from "vitest";

/** Skips every test of the surrounding describe where `obstacle` says what the machine lacks: "needs X, this machine has Y". */
export function needs(obstacle: string): void {
  test.beforeEach((context) => skipFor(obstacle, context));
}

/** The same for the one test that asks. */
export function skipFor(obstacle: string, context: TestContext): void {
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
}

/** Why nothing can be done here that takes root, or "". */
export function rootObstacle(): string {
  const uid = process.geteuid!();
  return uid === 0 ? "" : `needs root, this machine has uid ${uid}`;
}
