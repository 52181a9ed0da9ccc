import type { PublicJwk } from "../jwk.ts";
import { readBlock } from "./blocks.ts";
import { openChain } from "./chain.ts";
import { Symbols } from "./symbols.ts";
import { type Translation, translate } from "./translate.ts";

/** A Biscuit whose chain of signatures is right, in our terms. Whom it is for it does not say. */
export type Biscuit = Translation & {
  /** In hex, the authority's first. */
  readonly revocationIds: readonly string[];
};

/** Verifies the bytes of a Biscuit under `rootKey` and translates all that it says. Throws TokenRefused, and nothing else for whatever bytes. */
export function readBiscuit(bytes: Uint8Array, rootKey: PublicJwk): Biscuit {
  const { blocks, revocationIds } = openChain(bytes, rootKey);
  const symbols = new Symbols();
  return {
    ...translate(blocks.map((block, at) => readBlock(block, symbols, `block ${at}`))),
    revocationIds,
  };
}
