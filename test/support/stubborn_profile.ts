import type { Arena } from "./arena.ts";

/** A profile whose breaker of denials bears what an attack makes that tries the same thousands of times. Gives the options that name it. */
export function stubbornProfile(arena: Arena): string[] {
  const text = `name: stubborn
version: 1
description: Bears many denials
extends: [":workspace"]
breakers: { denials: { count: 1000000, seconds: 10 } }
`;
  return ["-p", arena.put("home/stubborn.yaml", text)];
}
