/** Cases of a golden file: `=== RULE: title`, the text, then what is said of it behind `---`. */
export type GoldenCase = {
  readonly rule: string;
  readonly title: string;
  readonly text: string;
  readonly expected: string;
};

const USUAL = 'name: example\nversion: 1\ndescription: An example\nextends: [":workspace"]\n';

export function readCases(golden: string): GoldenCase[] {
  return golden
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [head = "", ...lines] = block.split("\n");
      const [, rule = "", title = ""] = /^(\S+): (.*)$/.exec(head) ?? [];
      const end = lines.indexOf("--- is told");
      const body = (end < 0 ? lines : lines.slice(0, end)).join("\n").replace(/\n*$/, "\n");
      const expected =
        end < 0
          ? ""
          : lines
              .slice(end + 1)
              .join("\n")
              .trim();
      return { rule, title, text: body, expected };
    });
}

/** A text that names no profile gets the usual lines at its end, so that its own lines keep their numbers. */
export function wholeText({ text }: GoldenCase): string {
  const plain = text.replace(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\r$/gm, (_, hex, unit) =>
    hex === undefined && unit === undefined ? "\r" : String.fromCharCode(Number.parseInt(hex ?? unit, 16)),
  );
  return /^(?:(?:layer|points|pack|cases):|name[:=]|- |[A-Z#/<%@]|permit|forbid|n\0)/m.test(plain)
    ? plain
    : plain + USUAL;
}

export function writeCases(cases: readonly (GoldenCase & { readonly told: string })[]): string {
  return cases
    .map(({ rule, title, text, told }) => `=== ${rule}: ${title}\n${text}--- is told\n${told}\n`)
    .join("\n");
}
