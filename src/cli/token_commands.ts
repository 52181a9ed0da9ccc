import { type Command, Option } from "commander";
import { ACTIONS } from "../policy/capability/capability.ts";
import { ON_REVOKE } from "../policy/capability/on_revoke.ts";
import { ENVELOPES } from "../tokens/envelope.ts";

const collect = (value: string, seen: string[] | undefined): string[] => [...(seen ?? []), value];

/** `sallyport token …`. Each command loads what it needs when it is the one that was given. */
export function addTokenCommands(program: Command): void {
  const tokens = program.command("token").description("make, look at, narrow and revoke capability tokens");
  const named = (name: string, description: string): Command =>
    tokens
      .command(name)
      .description(description)
      .addOption(new Option("--json", "write JSON in place of text"))
      .addOption(new Option("--state <dir>", "where runs, keys and logs are kept"));
  withOrder(named("mint", "make a token of this host"))
    .option("--form <form>", `${ENVELOPES.join(", ")} (default: aat-01 with a holder, else json)`)
    .option("--audience <name>", "the host that it is for (default: this one)")
    .action(async (flags) => (await import("./token_mint.ts")).tokenMint(flags));
  withOrder(
    named("attenuate", "make a narrower token of a chain, offline").argument(
      "<token>",
      "a file, or - for stdin",
    ),
  )
    .requiredOption("--key <file>", "the private key of the token's holder")
    .action(async (file: string, flags) => (await import("./token_mint.ts")).tokenAttenuate(file, flags));
  withTerms(named("import", "verify a Biscuit and make a token of this host of what it lets be done"))
    .requiredOption("--biscuit <file>", "the Biscuit: its bytes or their base64, or - for stdin")
    .requiredOption(
      "--root-key <key>",
      "the Ed25519 key that must have signed it: ed25519/ and 64 hex digits",
    )
    .requiredOption(
      "--audience <name>",
      "the host that the token is for (sallyport token keys names this one)",
    )
    .option("--form <form>", `${ENVELOPES.join(", ")} (default: aat-01 with a holder, else json)`)
    .action(async (flags) => (await import("./token_import.ts")).tokenImport(flags));
  named("show", "print what a token says of itself, without asking whether it is right")
    .argument("<token>", "a file, or - for stdin")
    .action(async (file: string, flags) => (await import("./token.ts")).tokenShow(file, flags));
  named("verify", "say whether a token would be taken here, now")
    .argument("<token>", "a file, or - for stdin")
    .option("--run <run>", "in this run")
    .option("--issuers <dir>", "trust the issuers of these files (default: /etc/sallyport/issuers)")
    .action(async (file: string, flags) => (await import("./token.ts")).tokenVerify(file, flags));
  named("list", "name the tokens that were made here").action(async (flags) =>
    (await import("./token.ts")).tokenList(flags),
  );
  named("revoke", "end tokens at once, with all that were derived from them")
    .option("--id <id>", "the token of this id")
    .option("--subject <name>", "tokens of this subject and those below it, made until now")
    .option("--issuer <name>", "all tokens of this issuer")
    .option("--run <run>", "all tokens for this run")
    .option("--biscuit <id>", "what was made of a Biscuit with this revocation id, or would be")
    .option("--epoch", "every token that was made until now")
    .option("--reason <text>", "why, for whoever reads it later")
    .action(async (flags) => (await import("./token.ts")).tokenRevoke(flags));
  named("keys", "print the keys that verify the tokens of this host")
    .option("--new <file>", "make the key of a holder in this file instead")
    .action(async (flags) => (await import("./token.ts")).tokenKeys(flags));
  named("rotate", "sign with a new key from now on")
    .option("--remove <kid>", "instead, end an old key with all that it has signed")
    .action(async (flags) => (await import("./token.ts")).tokenRotate(flags));
}

function withOrder(command: Command): Command {
  for (const action of ACTIONS) {
    if (action === "connect" || action === "listen") continue;
    command.option(`--${action} <glob>`, `may ${action} what this matches (repeatable)`, collect);
  }
  command
    .option("--cells <range>", "may read or write cells: read:BOOK.xlsx#SHEET!A1:D40 (repeatable)", collect)
    .option(
      "--connect <host>",
      "may connect to HOST[:PORT], *.DOMAIN, CIDR or a Unix socket (repeatable)",
      collect,
    )
    .option("--listen <port>", "may listen on this port of the run's loopback (repeatable)", collect)
    .option("--max-size <bytes>", "of each file that --write or --append lets be written, such as 100K")
    .option(
      "--mime <type>",
      "of each file that --read, --write or --append is about, such as image/* (repeatable)",
      collect,
    );
  return withTerms(command)
    .option("--from <file>", "take the fields of this YAML or JSON file; flags add to it")
    .option("--workspace <dir>", "what relative patterns and ${workspace} stand for (default: here)");
}

/** For whom, for how long and how often. */
function withTerms(command: Command): Command {
  return command
    .option("--expires <duration>", "ends after this time, such as 10m (mint: default 5m)")
    .option("--subject <name>", "who may use it")
    .option("--run <run>", "the only run that may use it")
    .option("--uses <n>", "how many operations")
    .option("--max-files <n>", "how many files made or changed")
    .option("--max-read <bytes>", "how much read")
    .option("--max-write <bytes>", "how much written")
    .option("--max-deletes <n>", "how many files deleted")
    .option("--depth <n>", "how many more times it may be handed on, 0 to 8")
    .addOption(
      new Option("--on-revoke <how>", "what becomes of open descriptors when it is revoked").choices(
        ON_REVOKE,
      ),
    )
    .option("--holder <file>", "for whoever holds this key (a JWK)")
    .option("--id <id>", "its id (default: a new one)")
    .option("--out <file>", "write to this new file, 0600, in place of stdout");
}
