import { printable } from "../broker/denial.ts";
import { lintFile } from "../broker/policy_files/lint_file.ts";
import { formatFinding } from "../policy/lint/finding.ts";

/** `sallyport policy lint`: a line a mistake. Exit 1 when one is an error, 0 with warnings alone. */
export async function policyLint(
  files: readonly string[],
  flags: { readonly json?: boolean },
): Promise<void> {
  const found = [];
  for (const file of files) for (const finding of await lintFile(file)) found.push({ file, ...finding });
  const errors = found.filter(({ severity }) => severity === "error").length;
  if (flags.json) console.log(JSON.stringify({ errors, warnings: found.length - errors, findings: found }));
  else {
    for (const { file, ...finding } of found) console.log(printable(formatFinding(file, finding)));
    console.log(
      `${count(files.length, "file")}: ${count(errors, "error")}, ${count(found.length - errors, "warning")}`,
    );
  }
  process.exitCode = errors === 0 ? 0 : 1;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
