import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Command, InvalidArgumentError, Option } from "commander";
import { printableMessage } from "../broker/denial.ts";
import { keepInspectorShut } from "../broker/inspector.ts";
import { SallyportError } from "../protocol/errors.ts";
import { parseDurationMs } from "./duration.ts";
import { addPolicyCommands } from "./policy_commands.ts";
import { addTokenCommands } from "./token_commands.ts";

/** The program could not be confined, or the command line was wrong: nothing ran. */
const EXIT_SETUP = 125;

const require = createRequire(import.meta.url);
const { version, description } = JSON.parse(readFileSync(require.resolve("#package"), "utf8")) as {
  version: string;
  description: string;
};

/** A command loads what it needs when it is the one that was given. */
const lazily =
  <Args extends unknown[]>(load: () => Promise<(...args: Args) => unknown>) =>
  async (...args: Args): Promise<void> => {
    await (await load())(...args);
  };
const collect = (value: string, seen: string[]): string[] => [...seen, value];
const port = (text: string, seen: number[]): number[] => {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > 65535)
    throw new InvalidArgumentError("write a port, 1 to 65535");
  return [...seen, number];
};
const duration = (text: string): number => {
  const milliseconds = parseDurationMs(text);
  if (milliseconds === null)
    throw new InvalidArgumentError('write a number with its unit, such as "30s" or "5m"');
  return milliseconds;
};

keepInspectorShut();
const days = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("write a number of days");
  return Number(text);
};

const program = new Command("sallyport")
  .description(description)
  .version(version)
  .enablePositionalOptions()
  .exitOverride()
  .showHelpAfterError("(sallyport --help)");
const state = (): Option => new Option("--state <dir>", "where runs, keys and logs are kept");
const json = (): Option => new Option("--json", "write JSON in place of text");
const profile = (): Option =>
  new Option("-p, --profile <name>", "profile: a built-in name or a file").default(":workspace");

program
  .command("run")
  .description("run a program confined, with its input and output brokered")
  .addOption(profile())
  .option(
    "--token <file>",
    "have what this token grants, out of what the profile grants (repeatable)",
    collect,
    [],
  )
  .option("--read <path>", "also allow reading below this path (repeatable)", collect, [])
  .option("--write <path>", "also allow writing below this path (repeatable)", collect, [])
  .option("--socket <path>", "also allow connecting to this Unix socket (repeatable)", collect, [])
  .option(
    "--ssh-sign <key>",
    "also allow signing files with this key of the ssh-agent (repeatable)",
    collect,
    [],
  )
  .option(
    "--ssh-login <key>",
    "also allow logging in with this key of the ssh-agent (repeatable)",
    collect,
    [],
  )
  .option("--gpg-sign <key>", "also allow signing with this key of the gpg-agent (repeatable)", collect, [])
  .option("--net-allow <host>", "also allow this host: HOST[:PORT], *.DOMAIN, CIDR (repeatable)", collect, [])
  .option(
    "--credential <secret>",
    "add a secret to requests for a host: VARIABLE@HOST[:PORT][/PATH]=HEADER:SOURCE for those to the address in VARIABLE, terminated:HOST[:PORT]=HEADER:SOURCE for those by its name; SOURCE is FILE, @- (a line of stdin) or @FD (repeatable)",
    collect,
    [],
  )
  .option(
    "--secret <entry>",
    "give an entry of the profile its secret: NAME=SOURCE (repeatable)",
    collect,
    [],
  )
  .option("--credential-ca <file>", "also trust these certificates for the hosts of --credential")
  .option("--listen <port>", "open this port of the program on 127.0.0.1 (repeatable)", port, [])
  .addOption(
    new Option("--protect <pack>", "deny more: files whose scripts a package manager runs").choices([
      "package-scripts",
    ]),
  )
  .option("--timeout <duration>", "end the run after this time, such as 5m", duration)
  .option("--json [file]", "write one line of JSON at the end, to stderr or a file (--json=FILE)")
  .option("--user <name>", "run as this user (only root may)")
  .option("--preload", "load the library that asks the broker where mediation is kernel; no boundary")
  .option("--stage", "hold back every change of the workspace until it is committed")
  .addOption(new Option("--staged <run,fd,outcome>").hideHelp())
  .addOption(
    new Option("--reads <how>", "how reads inside the workspace are judged").choices([
      "auto",
      "native",
      "brokered",
    ]),
  )
  .addOption(
    new Option("--enforcement <how>", "whether a kernel that lacks a layer is accepted").choices([
      "hard",
      "best-effort",
    ]),
  )
  .addOption(
    new Option("--undo <how>", "whether what the run changes can be put back").choices(["journaled", "off"]),
  )
  .addOption(state())
  .argument("<command...>", "the program and its arguments, after --")
  .passThroughOptions()
  .action(lazily(async () => (await import("./run.ts")).run));

const stagedRun = (name: string, what: string): Command =>
  program
    .command(name)
    .description(what)
    .argument(name === "changes" ? "[run]" : "<run>")
    .addOption(json())
    .addOption(state());
stagedRun("changes", "say what a staged run would change, or name the runs that have a stage")
  .option("--diff", "show the lines that differ")
  .action(lazily(async () => (await import("./changes.ts")).changes));
stagedRun("commit", "carry out what a staged run changed, as far as its profile allows it")
  .option("--only <glob>", "only these names, relative to the workspace (repeatable)", collect, [])
  .action(lazily(async () => (await import("./commit.ts")).commit));
stagedRun("discard", "drop what a staged run changed").action(
  lazily(async () => (await import("./discard.ts")).discard),
);

const liveRun = (name: string, what: string): Command =>
  program
    .command(name)
    .description(what)
    .argument("<run>")
    .option("--agent <capability>", "only the sub-agents that were launched with this capability")
    .addOption(json())
    .addOption(state());
program
  .command("runs")
  .description("name the runs that live, and say whether they are frozen")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./contain.ts")).runs));
liveRun("freeze", "stop every process of a live run")
  .option("--reason <text>", "what the log is to say about it")
  .action(lazily(async () => (await import("./contain.ts")).freeze));
liveRun("resume", "let a frozen run go on")
  .option("--disarm <breaker>", "a breaker that is to leave this run alone (repeatable)", collect, [])
  .action(lazily(async () => (await import("./contain.ts")).resume));
liveRun("kill", "end a live run")
  .option("--reason <text>", "what the log is to say about it")
  .action(lazily(async () => (await import("./contain.ts")).kill));

program
  .command("learn")
  .description("watch a program while it may do what no rule denies, then write the profile that it needs")
  .option("-p, --profile <name>", 'what the profile is to be based on (default: ":workspace")')
  .option("-o, --output <file>", "write the profile to this file, which must not exist")
  .option("--name <name>", "name of the profile; without -o it is kept in the state directory", "learned")
  .option("--from <run>", "learn from what an earlier run was refused, and run nothing")
  .option("--timeout <duration>", "end the run after this time, such as 5m", duration)
  .addOption(state())
  .argument("[command...]", "the program and its arguments, after --")
  .passThroughOptions()
  .action(lazily(async () => (await import("./learn.ts")).learn));

program
  .command("mcp")
  .description("serve brokered tools to an agent runtime over MCP on stdin and stdout, from inside a run")
  .addOption(profile())
  .option("--workspace <dir>", "the directory that it works in; default the current one")
  .option("--read <path>", "also allow reading below this path (repeatable)", collect, [])
  .option("--write <path>", "also allow writing below this path (repeatable)", collect, [])
  .option("--net-allow <host>", "also allow this host: HOST[:PORT], *.DOMAIN, CIDR (repeatable)", collect, [])
  .option(
    "--token <file>",
    "present this capability token: the tools may do no more than it grants (repeatable)",
    collect,
    [],
  )
  .addOption(state())
  .action(lazily(async () => (await import("./mcp.ts")).mcp));

program
  .command("doctor")
  .description("try what this machine can enforce, and say what is missing")
  .addOption(json())
  .action(lazily(async () => (await import("./doctor.ts")).doctor));

program
  .command("why")
  .description("say what a profile would decide, and by which rule")
  .requiredOption("--op <op>", "read, write, create, delete, list, stat, metadata, execute (exec) or connect")
  .option("--path <path>", "the path in question")
  .option("--host <host>", "of connect: the host in question")
  .option("--port <port>", "of connect: its port", port, [])
  .addOption(profile())
  .addOption(state())
  .addOption(json())
  .action(lazily(async () => (await import("./why.ts")).why));

const profiles = program.command("profile").description("look at profiles");
profiles
  .command("list")
  .description("name the built-in profiles")
  .addOption(json())
  .action(lazily(async () => (await import("./profile.ts")).profileList));
profiles
  .command("show")
  .description("print a profile with everything it inherits")
  .argument("<name>", "a built-in name or a file")
  .addOption(json())
  .action(lazily(async () => (await import("./profile.ts")).profileShow));
profiles
  .command("validate")
  .description("check a profile file")
  .argument("<file>")
  .addOption(json())
  .action(lazily(async () => (await import("./profile.ts")).profileValidate));

addPolicyCommands(program, lazily);

const audit = program.command("audit").description("look at the audit log");
audit
  .command("show")
  .description("print the records of a run, or name the runs")
  .argument("[run]")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./audit.ts")).auditShow));
audit
  .command("verify")
  .description("prove that the log of a run, or of all runs, is whole")
  .argument("[run]")
  .option("--head <file>", "a checkpoint that was published earlier")
  .option("--key <file>", "the log's public key (vkey); default: the one in the state directory")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./audit.ts")).auditVerify));

const undo = program.command("undo").description("put back what a run has changed");
undo
  .command("list")
  .description("name the runs whose changes can be put back")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./undo.ts")).undoList));
undo
  .command("show")
  .description("say what a restore would do, path by path")
  .argument("<run|file>", "a run, or a file for the last run that changed it")
  .argument("[file...]")
  .option("--diff", "show the lines that differ between what was and what is")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./undo.ts")).undoShow));
undo
  .command("restore")
  .description("put back what a run has changed; what others have changed since is kept")
  .argument("<run|file>", "a run, or a file for the last run that changed it")
  .argument("[file...]", "only these, and what they can not be put back without")
  .addOption(
    new Option("--edited <how>", "what becomes of a named file that was edited since the run")
      .choices(["keep", "merge", "replace"])
      .default("keep"),
  )
  .option("--dry-run", "only say what would be done")
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./undo.ts")).undoRestore));
undo
  .command("prune")
  .description("remove what runs have kept, so that they can no longer be put back")
  .requiredOption("--older-than <days>", "only of runs that were last changed longer ago", days)
  .addOption(json())
  .addOption(state())
  .action(lazily(async () => (await import("./undo.ts")).undoPrune));

addTokenCommands(program);

try {
  // "--json FILE" would swallow the program's name; the file is only taken from "--json=FILE".
  const end = process.argv.indexOf("--");
  const argv = process.argv.map((arg, at) =>
    arg === "--json" && process.argv[2] === "run" && (end < 0 || at < end) ? "--json=-" : arg,
  );
  await program.parseAsync(argv);
} catch (error) {
  if (error instanceof Error && "exitCode" in error && typeof error.exitCode === "number") {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_SETUP;
  } else if (error instanceof SallyportError) {
    process.stderr.write(`sallyport: ${printableMessage(error.message)}\n`);
    process.exitCode = EXIT_SETUP;
  } else {
    throw error;
  }
}
