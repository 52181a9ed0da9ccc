/** The documentation against the code. `npm run docs` rewrites the blocks that are made from it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { decode, encodeRequest } from "../../src/protocol/codec.ts";
import type { SallyportError } from "../../src/protocol/errors.ts";
import { OPEN, OPEN_ALL } from "../../src/protocol/message.ts";
import { parseRequest } from "../../src/protocol/parse.ts";
import { OPS } from "../../src/protocol/wire.ts";
import { blocksOf, rewriteBlocks } from "../support/docs/blocks.ts";
import { DENIAL_BLOCKS } from "../support/docs/denial_blocks.ts";
import { DIFFERENCE_BLOCKS } from "../support/docs/difference_blocks.ts";
import { LIMIT_BLOCKS } from "../support/docs/limit_blocks.ts";
import { LINT_BLOCKS } from "../support/docs/lint_blocks.ts";
import { PROFILE_BLOCKS } from "../support/docs/profile_blocks.ts";
import { PROTOCOL_BLOCKS } from "../support/docs/protocol_blocks.ts";
import { REQUEST_FIELDS, SAMPLES } from "../support/docs/protocol_fields.ts";
import { help, RECORD_BLOCKS } from "../support/docs/record_blocks.ts";
import { TOKEN_BLOCKS } from "../support/docs/token_blocks.ts";

const ROOT = join(import.meta.dirname, "../..");
const BLOCKS = {
  ...LIMIT_BLOCKS,
  ...LINT_BLOCKS,
  ...DENIAL_BLOCKS,
  ...PROTOCOL_BLOCKS,
  ...PROFILE_BLOCKS,
  ...RECORD_BLOCKS,
  ...DIFFERENCE_BLOCKS,
  ...TOKEN_BLOCKS,
};
const WRITES = process.env["SALLYPORT_DOCS"] === "write";
const PAGES = [
  "README.md",
  "ARCHITECTURE.md",
  "SECURITY.md",
  "CHANGELOG.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

const page = (name: string): string => readFileSync(join(ROOT, name), "utf8");

describe("blocks made from the code", () => {
  it.each(PAGES)("are up to date in %s (npm run docs)", (name) => {
    const made = rewriteBlocks(page(name), BLOCKS);
    if (WRITES) writeFileSync(join(ROOT, name), made);
    expect(page(name)).toBe(made);
  });

  it("are all shown somewhere, each once", () => {
    const shown = PAGES.flatMap((name) => blocksOf(page(name)));
    expect(shown.toSorted()).toEqual(Object.keys(BLOCKS).toSorted());
  });
});

describe("docs/protocol.md", () => {
  it.each(OPS)("names the fields of %s in the places where the parser looks for them", (op) => {
    const frame = decode(encodeRequest(9, SAMPLES[op])) as unknown[];
    expect(parseRequest(frame)).toEqual({ id: 9, request: SAMPLES[op] });
    const fields = REQUEST_FIELDS[op];
    expect(frame.length).toBe(fields.length + 2);
    fields.forEach(([name], index) => {
      const spoilt = frame.with(index + 2, null);
      expect(fieldAtFault(spoilt)).toBe(name);
    });
  });

  it("says which flags a frame may carry", () => {
    for (const [name, bit] of Object.entries(OPEN)) {
      const frame = decode(encodeRequest(1, { ...SAMPLES.open, flags: OPEN.read | bit }));
      if ((bit & OPEN_ALL) !== 0) expect(parseRequest(frame).id, name).toBe(1);
      else expect(fieldAtFault(frame), name).toBe("flags");
    }
  });
});

describe("docs/profiles.md", () => {
  it("names every rule that the broker adds", () => {
    const files = readdirSync(join(ROOT, "src/broker"), { recursive: true }).map(String);
    const broker = files.filter((name) => name.endsWith(".ts")).map((name) => page(`src/broker/${name}`));
    const sources = [
      ...broker,
      page("src/policy/network.ts"),
      page("src/policy/programs.ts"),
      page("src/files/file_limits.ts"),
    ];
    const ids = sources.flatMap((text) => [...text.matchAll(/\b(?:id|rule): "([a-z-]+\.[a-z-]+)"/g)]);
    const named = [
      ...page("docs/profiles.md").matchAll(
        /^\| `((?:breaker|capability|execution|files|learning|limit|network|process|protected|session|sockets|syscalls|token|undo)\.[a-z-]+)` \| [^|]* \|$/gm,
      ),
    ];
    const own = new Set(ids.map(([, id]) => id!));
    expect(own.size).toBeGreaterThan(9);
    expect(named.map(([, id]) => id!).toSorted()).toEqual([...own].toSorted());
  });
});

describe("numbers in sentences", () => {
  it.each([
    ["docs/protocol.md", "at most 64 channels", "src/broker/tree.ts", "MAX_CHANNELS = 64;"],
    ["docs/protocol.md", "At most 256 may wait", "src/broker/channel_front.ts", "MAX_PENDING = 256;"],
    [
      "docs/protocol.md",
      "more than 4 descriptors",
      "native/linux/socket/seqpacket.h",
      "kMaxDescriptors = 4;",
    ],
    ["docs/protocol.md", "seconds to ±9007199254", "src/protocol/parse.ts", "MAX_SECONDS = 9_007_199_254;"],
    [
      "docs/profiles.md",
      "more than 50000 entries",
      "src/broker/judge_rename.ts",
      "MAX_WALK_ENTRIES = 50_000;",
    ],
    [
      "docs/profiles.md",
      "of files up to 32\nMiB",
      "src/broker/programs/program_table.ts",
      "MAX_RECORDED_BYTES = 32n << 20n;",
    ],
    ["docs/at-the-desk.md", "at most 20:", "src/cli/summary.ts", "MAX_DENIALS_SHOWN = 20;"],
    ["docs/at-the-desk.md", "after two seconds", "src/broker/run.ts", "GRACE_MS = 2000;"],
    ["docs/agent-runtimes.md", "at most 10000", "src/broker/tally.ts", "MAX_REMEMBERED = 10_000;"],
    ["docs/at-the-desk.md", "2 GiB of copies", "src/policy/profile.ts", "maxBytes: 2 * 1024 ** 3,"],
    ["docs/at-the-desk.md", "more than 14 days later", "src/policy/profile.ts", "keepDays: 14 };"],
    ["docs/at-the-desk.md", "| 123 |", "src/broker/containment.ts", "EXIT_CONTAINED = 123;"],
    ["docs/limits.md", "ten minutes", "src/broker/storms/start.ts", "END_AFTER_SECONDS = 600;"],
    ["docs/limits.md", "a quarter of what", "src/limits/breaker.ts", "HALF_OPEN_SHARE = 4;"],
    ["docs/limits.md", "first 4 KiB", "src/limits/dense.ts", "SAMPLE_BYTES = 4096;"],
    ["docs/limits.md", "at least 7.2 bits", "src/limits/dense.ts", "DENSE_BITS = 7.2;"],
    [
      "docs/limits.md",
      "at most 64 files every 250 ms",
      "src/broker/storms/replacements.ts",
      "MAX_SAMPLES = 64;",
    ],
    [
      "docs/limits.md",
      "at most 64 files every 250 ms",
      "src/broker/storms/storms.ts",
      "JUDGE_EVERY_MS = 250;",
    ],
    ["docs/responders.md", "some 100 ms later", "src/audit/journal.ts", "SIGN_MS = 100;"],
    ["docs/differences.md", "does 4538 things", "test/integration/path_table.test.ts", "CASES = 4538;"],
    ["docs/capabilities.md", "at most 8 times", "src/tokens/limits.ts", "MAX_DEPTH = 8;"],
    ["docs/capabilities.md", "end within 5 minutes", "src/tokens/limits.ts", "MAX_BEARER_MS = 300_000;"],
    ["docs/capabilities.md", "for 30 s, once", "src/tokens/limits.ts", "MAX_PROOF_AGE_MS = 30_000;"],
    ["docs/capabilities.md", "7 days after its end", "src/broker/tokens/minted.ts", "KEEP_MS = 7 * 24"],
    ["docs/responders.md", "256 in a bundle", "src/audit/tiles.ts", "TILE_WIDTH = 256;"],
  ])("%s: %s", (name, sentence, file, declaration) => {
    expect(page(name)).toContain(sentence);
    expect(page(file)).toContain(declaration);
  });
});

describe("pages", () => {
  it.each(PAGES)("%s names files that exist", (name) => {
    const text = page(name);
    const places = /^(?:src|test|native|profiles|docs|bench|bin|\.ci)\/[\w./*{},-]*$/;
    const named = [...text.matchAll(/`([^`\n]+)`/g)]
      .map(([, word]) => word!)
      .filter((word) => places.test(word));
    for (const path of named) expect(existsSync(join(ROOT, path.replace(/\/\*.*$/, ""))), path).toBe(true);
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, link]) => link!);
    for (const link of links) expect(existsSync(join(ROOT, dirname(name), link)), link).toBe(true);
  });

  it.each(PAGES)("%s uses options that the command has", (name) => {
    const uses = [
      ...page(name).matchAll(/sallyport ((?:run|doctor|why|profile \w+|audit \w+)\b)([^`\n|;]*)/g),
    ];
    for (const [, command, rest] of uses) {
      const text = help(...command!.split(" "));
      const own = rest!.split(" -- ")[0]!;
      for (const [option] of own.matchAll(/(?<=[\s[])--?[a-z][a-z-]*/g)) {
        expect(text, `sallyport ${command} ${option}`).toMatch(new RegExp(`(?:^|[\\s,])${option}\\b`, "m"));
      }
    }
  });

  it.each(PAGES)("%s names no machine, no registry and no picture writing", (name) => {
    expect(page(name)).not.toMatch(/\/work\/|\/root\/|registry\.npmjs|\p{Extended_Pictographic}/u);
  });

  it.each(PAGES.filter((name) => !name.startsWith("docs/")))("%s is short enough to be read", (name) => {
    expect(page(name).split("\n").length).toBeLessThan(300);
  });
});

/** The first part of the field that the parser names. */
function fieldAtFault(frame: unknown): string | undefined {
  try {
    parseRequest(frame);
    return undefined;
  } catch (error) {
    return (error as SallyportError).field?.replace(/\[.*$/, "");
  }
}
