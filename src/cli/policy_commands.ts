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
  const pack = policy.command("pack").description("policies that are signed, with their own tests");
  const load = (name: "packBuild" | "packSign" | "packVerify" | "packInstall" | "packList") =>
    lazily(async () => (await import("./policy_pack.ts"))[name] as (...args: unknown[]) => unknown);
  const state = (): Option => new Option("--state <dir>", "where runs, keys and logs are kept");
  pack
    .command("build")
    .description("make one file of a pack's directory, after its tests")
    .argument("<directory>")
    .requiredOption("-o, --output <file>", "the pack, which must not exist")
    .action(load("packBuild"));
  pack
    .command("sign")
    .description("sign a pack that was built")
    .argument("<file>")
    .requiredOption("--key <file>", "an Ed25519 private key in PEM")
    .requiredOption("-o, --output <file>", "the signed pack, which must not exist")
    .action(load("packSign"));
  pack
    .command("verify")
    .description("say whether a pack would be loaded here; exit 1 where it would not")
    .argument("<file>")
    .addOption(json())
    .action(load("packVerify"));
  pack
    .command("install")
    .description("keep a pack that a trusted key has signed, for -p @NAME")
    .argument("<file>")
    .addOption(state())
    .action(load("packInstall"));
  pack
    .command("list")
    .description("name the packs that -p takes")
    .addOption(json())
    .addOption(state())
    .action(load("packList"));
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
