import { type Command, Option } from "commander";

type Lazily = <Args extends unknown[]>(
  load: () => Promise<(...args: Args) => unknown>,
) => (...args: Args) => Promise<void>;

/** `sallyport policy …` */
export function addPolicyCommands(program: Command, lazily: Lazily): void {
  const json = (): Option => new Option("--json", "write JSON in place of text");
  const policy = program.command("policy").description("write, check and compare policies");
  policy
    .command("lint")
    .description(
      "name the mistakes in profiles, layers, Cedar policies and packs, with their lines; exit 1 on an error",
    )
    .argument("<file...>")
    .addOption(json())
    .action(lazily(async () => (await import("./policy_lint.ts")).policyLint));
}
