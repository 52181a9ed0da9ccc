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
  policy
    .command("test")
    .description("ask a profile the cases of a file, and compare the answers; exit 1 where one differs")
    .argument("<cases>")
    .addOption(new Option("-p, --profile <name>", "profile: a built-in name or a file").default(":workspace"))
    .addOption(json())
    .action(lazily(async () => (await import("./policy_answers.ts")).policyTest));
  policy
    .command("diff")
    .description("say what one profile grants and denies that another does not; exit 1 where they differ")
    .argument("<before>")
    .argument("<after>")
    .addOption(json())
    .action(lazily(async () => (await import("./policy_answers.ts")).policyDiff));
  policy
    .command("explain")
    .description("say a profile in words, with the line behind each")
    .argument("<name>", "a built-in name or a file")
    .addOption(json())
    .action(lazily(async () => (await import("./policy_answers.ts")).policyExplain));
}
