/** Biscuits whose signatures or bytes are not right. */
import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readBiscuit } from "../../../src/tokens/biscuit/biscuit.ts";
import type { Block } from "../../../src/tokens/biscuit/datalog.ts";
import { biscuitBytes, parseRootKey } from "../../../src/tokens/biscuit/text.ts";
import { type RefusalReason, TokenRefused } from "../../../src/tokens/refusal.ts";
import {
  assemble,
  biscuit,
  checkIf,
  encodeBlocks,
  len,
  newBiscuitKey,
  num,
  open,
  pred,
  query,
  refusalOf,
  seal,
  signAll,
  signBlock,
  signedBytes,
  term,
} from "../../support/biscuit.ts";

const ROOT = newBiscuitKey();
const OTHER = newBiscuitKey();
const root = parseRootKey(ROOT.text);
const RIGHT: Partial<Block> = { facts: [pred("right", "/w/a", "read")] };
const NARROW: Partial<Block> = { checks: [checkIf(query([pred("operation", "read")]))] };
const DATA = encodeBlocks([RIGHT, NARROW]);

/** Both blocks rightly signed, and then put together otherwise. */
function spliced(
  make: (signed: ReturnType<typeof signAll>) => {
    readonly blocks: readonly Buffer[];
    readonly proof: Buffer;
  },
): Buffer {
  const { blocks, proof } = make(signAll(ROOT, DATA));
  return assemble(blocks, proof);
}

describe("a Biscuit is refused that is", () => {
  it.each<[string, RefusalReason, string, () => Buffer]>([
    ["signed by another root key", "bad-signature", "block 0", () => biscuit(OTHER, [RIGHT])],
    [
      "changed in its authority",
      "bad-signature",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA.slice(0, 1));
        const wide = encodeBlocks([{ facts: [pred("right", "/w/b", "read")] }])[0]!;
        return assemble([signedBytes(wide, first!.next, first!.signature, 1)], open(first!));
      },
    ],
    [
      "changed in a check",
      "bad-signature",
      "block 1",
      () =>
        spliced(([first, second]) => {
          const [, wide] = encodeBlocks([
            RIGHT,
            { checks: [checkIf(query([], term({ kind: "bool", value: true })))] },
          ]);
          return {
            blocks: [first!.bytes, signedBytes(wide!, second!.next, second!.signature, 1)],
            proof: open(second!),
          };
        }),
    ],
    [
      "cut before its last check",
      "bad-signature",
      "proof",
      () => spliced(([first, second]) => ({ blocks: [first!.bytes], proof: open(second!) })),
    ],
    [
      "cut, and sealed by whoever holds the last key",
      "bad-signature",
      "proof",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes],
          proof: len(
            4,
            len(
              2,
              sign(
                null,
                Buffer.concat([first!.data, Buffer.alloc(4), first!.next.bytes, first!.signature]),
                second!.next.secret,
              ),
            ),
          ),
        })),
    ],
    [
      "without its authority",
      "bad-signature",
      "block 0",
      () => spliced(([, second]) => ({ blocks: [second!.bytes], proof: open(second!) })),
    ],
    [
      "of blocks in another order",
      "bad-signature",
      "block 0",
      () => spliced(([first, second]) => ({ blocks: [second!.bytes, first!.bytes], proof: open(second!) })),
    ],
    [
      "of blocks twice",
      "bad-signature",
      "block 2",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes, second!.bytes, second!.bytes],
          proof: open(second!),
        })),
    ],
    [
      "of the blocks of two",
      "bad-signature",
      "block 1",
      () => {
        const [first] = signAll(ROOT, DATA);
        const [, foreign] = signAll(ROOT, DATA);
        return assemble([first!.bytes, foreign!.bytes], open(foreign!));
      },
    ],
    [
      "put behind another's block by version 1",
      "bad-signature",
      "block 1",
      () => {
        // The key of the next block is the same; the signature before it is not.
        const [first] = signAll(ROOT, DATA.slice(0, 1));
        const second = signBlock(DATA[1]!, first!.next, newBiscuitKey(), 1, Buffer.alloc(64));
        return assemble([first!.bytes, second.bytes], open(second));
      },
    ],
    [
      "sealed, and then narrowed",
      "bad-signature",
      "proof",
      () => spliced(([first, second]) => ({ blocks: [first!.bytes, second!.bytes], proof: seal(first!) })),
    ],
    [
      "open with the secret of somebody",
      "bad-signature",
      "proof",
      () =>
        spliced(([first, second]) => ({
          blocks: [first!.bytes, second!.bytes],
          proof: len(4, len(1, OTHER.seed)),
        })),
    ],
    [
      "open with a short secret",
      "bad-signature",
      "proof",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: len(4, len(1, Buffer.alloc(31))) })),
    ],
    [
      "open and sealed",
      "bad-protobuf",
      "proof",
      () =>
        spliced(([first]) => ({
          blocks: [first!.bytes],
          proof: len(4, len(1, first!.next.seed), len(2, first!.signature)),
        })),
    ],
    [
      "without proof",
      "bad-protobuf",
      "biscuit",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: Buffer.alloc(0) })),
    ],
    [
      "with an empty proof",
      "bad-protobuf",
      "proof",
      () => spliced(([first]) => ({ blocks: [first!.bytes], proof: len(4) })),
    ],
    ["signed in a manner of the future", "malformed", "block 0", () => biscuit(ROOT, [RIGHT], "open", 2)],
    [
      "signed by a third party too",
      "third-party-block",
      "block 1",
      () =>
        spliced(([first, second]) => {
          const by = len(4, len(1, Buffer.alloc(64)), len(2, num(1, 0), len(2, OTHER.bytes)));
          return {
            blocks: [first!.bytes, signedBytes(second!.data, second!.next, second!.signature, 1, by)],
            proof: open(second!),
          };
        }),
    ],
    [
      "of another curve",
      "algorithm-unsupported",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA);
        const key = len(2, num(1, 1), len(2, first!.next.bytes));
        return assemble([Buffer.concat([len(1, first!.data), key, len(3, first!.signature)])], open(first!));
      },
    ],
    [
      "of a key under which anybody signs",
      "weak-key",
      "block 0",
      () => {
        const [first] = signAll(ROOT, DATA);
        const key = len(2, num(1, 0), len(2, Buffer.alloc(32)));
        return assemble([Buffer.concat([len(1, first!.data), key, len(3, first!.signature)])], open(first!));
      },
    ],
    [
      "longer than 64 KiB",
      "too-large",
      "biscuit",
      () => biscuit(ROOT, [{ facts: [pred("right", `/${"a".repeat(66_000)}`, "read")] }]),
    ],
    [
      "of 17 blocks",
      "too-deep",
      "biscuit",
      () => biscuit(ROOT, [RIGHT, ...Array.from({ length: 16 }, () => NARROW)]),
    ],
    [
      "of a version before 3",
      "bad-protobuf",
      "block 0",
      () => {
        const signed = signAll(ROOT, [Buffer.concat([num(3, 2)])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    [
      "with a field that is not known in a block",
      "bad-protobuf",
      "block 0",
      () => {
        const signed = signAll(ROOT, [Buffer.concat([DATA[0]!, len(9, Buffer.from("limit"))])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    [
      "with a field that is not known around them",
      "bad-protobuf",
      "biscuit",
      () => Buffer.concat([biscuit(ROOT, [RIGHT]), num(6, 1)]),
    ],
    [
      "with an authority twice",
      "bad-protobuf",
      "biscuit",
      () => {
        const whole = biscuit(ROOT, [RIGHT]);
        return Buffer.concat([len(2, signAll(ROOT, DATA)[0]!.bytes), whole]);
      },
    ],
    [
      "with a symbol twice",
      "bad-protobuf",
      "block 1",
      () => {
        const signed = signAll(ROOT, [DATA[0]!, Buffer.concat([len(1, Buffer.from("/w/a")), num(3, 6)])]);
        return assemble(
          signed.map(({ bytes }) => bytes),
          open(signed[1]!),
        );
      },
    ],
    [
      "with a symbol of nobody",
      "bad-protobuf",
      "block 0",
      () => {
        const fact = len(4, len(1, num(1, 4), len(2, num(3, 5000)), len(2, num(3, 0))));
        const signed = signAll(ROOT, [Buffer.concat([num(3, 6), fact])]);
        return assemble([signed[0]!.bytes], open(signed[0]!));
      },
    ],
    ["nothing", "not-base64url", "biscuit", () => Buffer.alloc(0)],
    ["text of another kind", "not-base64url", "biscuit", () => Buffer.from("hello, world")],
    [
      "text of one character more",
      "not-base64url",
      "biscuit",
      () => Buffer.from(`${biscuit(ROOT, [RIGHT]).toString("base64url")}!`),
    ],
  ])("%s (%s)", (_what, reason, field, make) => {
    const refusal = refusalOf(() => readBiscuit(biscuitBytes(make()), root));
    expect({ reason: refusal.reason, field: refusal.field }).toEqual({ reason, field });
    expect(refusal.problem.length).toBeLessThan(600);
  });

  it("and no change of a byte is taken", () => {
    const right = biscuit(ROOT, [RIGHT, NARROW]);
    for (let at = 0; at < right.length; at++) {
      const changed = Buffer.from(right);
      changed[at]! ^= 1 << (at % 8);
      expect(() => readBiscuit(changed, root), `byte ${at}`).toThrow(TokenRefused);
      expect(() => readBiscuit(right.subarray(0, at), root), `cut at ${at}`).toThrow(TokenRefused);
    }
  });

  it.each(["", "ed25519/", "ed25519/zz", `secp256r1/${ROOT.bytes.toString("hex")}`, "0".repeat(64)])(
    "of the root key %j",
    (key) => {
      expect(["bad-field", "weak-key"]).toContain(refusalOf(() => parseRootKey(key)).reason);
    },
  );
});
