import { describe } from "../../files/undo/entry.ts";
import { look } from "../../platform/staging.ts";
import { type Caller, targetOf } from "../caller.ts";
import type { Outcome } from "../outcome.ts";
import type { Keeper } from "./keeper.ts";

/** A change of mode, owner, times or attributes. */
export function metadata(path: string, caller: Caller, keeper: Keeper, act: () => Outcome): Outcome {
  const target = targetOf(path, caller);
  const found = look(target);
  if (typeof found === "number") return act();
  if (keeper.own.has(found.identity) || keeper.described.has(found.identity)) return act();
  if (typeof target === "number") {
    // Held after it lost its name: what nobody can find need not be put back.
    const named = look(path);
    if (typeof named === "number" || named.identity !== found.identity) return act();
  }
  keeper.record({ k: "meta", p: path, id: found.identity, before: describe(found, target) });
  keeper.described.add(found.identity);
  return act();
}
