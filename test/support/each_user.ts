import { describe, test } from "vitest";
import { NOBODY } from "./arena.ts";
import { unprivilegedObstacle } from "./confined.ts";

/** The tests that `declare` declares, as whoever runs them and as a user without privileges; `owner` is a uid. */
export function eachUser(declare: (owner: number) => void): void {
  describe.each([
    ["root", process.geteuid!()],
    ["a user without privileges", NOBODY],
  ])("%s", (_who, owner) => {
    test.beforeEach((context) => {
      const obstacle = owner === process.geteuid!() ? "" : unprivilegedObstacle();
      if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
    });
    declare(owner);
  });
}
