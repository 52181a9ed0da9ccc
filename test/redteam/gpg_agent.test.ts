import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { GpgHome, gpgObstacle } from "../support/gpg_home.ts";

beforeEach((context) => {
  if (gpgObstacle() !== "") context.skip(`skipped: ${gpgObstacle()}`);
});

const intents = ({ records }: Confined) =>
  records.filter(({ kind, op }) => kind === "intent" && op === "gpg-sign");
const denials = ({ records }: Confined) =>
  records.filter(({ kind, rule }) => kind === "deny" && rule?.startsWith("sockets."));

test("gpg and git sign with the granted key, and each signature is on record before it is made", async () => {
  using arena = new Arena();
  using person = new GpgHome();
  const key = person.makeKey("granted");
  const message = arena.put("workspace/message", "hello\n");
  const script = [
    "set -e",
    "gpg --batch --detach-sign message",
    "gpg --batch --armor --detach-sign --digest-algo SHA512 -o message.asc message",
    "git init -q .",
    "export GIT_AUTHOR_NAME=granted GIT_COMMITTER_NAME=granted",
    "export GIT_AUTHOR_EMAIL=granted@example.org GIT_COMMITTER_EMAIL=granted@example.org",
    "git add message",
    "git commit -qS -m one",
    `git -c user.signingkey=${key.fingerprint} commit -qS --allow-empty -m two`,
    "gpg --batch --list-secret-keys --with-colons | grep -c ^sec",
  ].join("\n");
  const run = await confined(arena, ["bash", "-c", script], {
    env: person.env,
    flags: ["--gpg-sign", key.fingerprint],
  });
  expect(run.exitCode, run.stderr + run.stdout).toBe(0);
  for (const name of ["message.sig", "message.asc"])
    expect(person.verify(join(arena.workspace, name), message)).toContain(`VALIDSIG ${key.fingerprint}`);
  for (const commit of ["HEAD", "HEAD~"]) {
    const checked = execFileSync("git", ["-C", arena.workspace, "verify-commit", "--raw", commit], {
      env: person.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(checked).toBe("");
  }
  const signed = intents(run);
  expect(signed).toHaveLength(4);
  for (const { path, to, rule, seq } of signed) {
    expect(path).toBe(key.keygrip);
    expect(to).toMatch(/^digest (?:8|10) [0-9A-F]{64,128}$/);
    expect(rule).toBe("option.gpg-sign");
    const outcome = run.records.find(({ kind, intent }) => kind === "outcome" && intent === seq);
    expect(outcome?.errno).toBeUndefined();
    expect(outcome!.seq).toBeGreaterThan(seq);
  }
  expect(signed[1]?.to).toMatch(/^digest 10 [0-9A-F]{128}$/);
  expect(denials(run)).toEqual([]);
});

/** Says lines to the run's agent, each once the one before is answered, and prints the first word of each answer's last line. */
const ASSUAN = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(os.environ["GNUPGHOME"] + "/S.gpg-agent")
f = s.makefile("rwb")
def answer():
  data = b""
  while True:
    line = f.readline()
    if not line: return "closed"
    if line.startswith(b"D "): data += line[2:-1]
    elif not line.startswith(b"S "): return line.split()[0].decode() + (" data" if data else "")
answer()
for line in sys.argv[1:]:
  f.write(line.encode() + b"\\n"); f.flush()
  print(line.split()[0], answer())
`;

const DIGEST = "AB".repeat(32);

async function say(person: GpgHome, granted: string, lines: readonly string[]): Promise<Confined> {
  using arena = new Arena();
  arena.put("workspace/say.py", ASSUAN);
  return await confined(arena, ["python3", "say.py", ...lines], {
    env: person.env,
    flags: ["--gpg-sign", granted],
  });
}

test("the agent signs for the granted key alone, and a digest of SHA-2 alone", async () => {
  using person = new GpgHome();
  const granted = person.makeKey("granted");
  const other = person.makeKey("other");
  const good = ["RESET", `SIGKEY ${granted.keygrip}`, `SETHASH 8 ${DIGEST}`, "PKSIGN"];
  const run = await say(person, granted.keygrip, [
    ...good,
    `HAVEKEY ${other.keygrip}`,
    `KEYINFO ${other.keygrip}`,
    `SIGKEY ${other.keygrip}`,
    "PKSIGN",
    `SIGKEY ${granted.keygrip}`,
    `SETHASH 2 ${"AB".repeat(20)}`,
    "PKSIGN",
    `SETHASH 8 ${"AB".repeat(20)}`,
    "PKSIGN",
    "RESET",
    "PKSIGN",
  ]);
  expect(run.stdout.trim().split("\n"), run.stderr).toEqual([
    "RESET OK",
    "SIGKEY OK",
    "SETHASH OK",
    "PKSIGN OK data",
    "HAVEKEY ERR",
    "KEYINFO ERR",
    "SIGKEY OK",
    "PKSIGN ERR",
    "SIGKEY OK",
    "SETHASH OK",
    "PKSIGN ERR",
    "SETHASH OK",
    "PKSIGN ERR",
    "RESET OK",
    "PKSIGN ERR",
  ]);
  expect(intents(run).map(({ path, to }) => [path, to])).toEqual([[granted.keygrip, `digest 8 ${DIGEST}`]]);
  expect(denials(run).map(({ rule, path }) => [rule, path])).toEqual([
    ["sockets.gpg-sign", other.keygrip],
    ["sockets.gpg-sign", granted.keygrip],
    ["sockets.gpg-sign", granted.keygrip],
  ]);
});

test("nothing but signing is done: no decryption, no export, no new key, no passphrase, no list of keys", async () => {
  using person = new GpgHome();
  const { keygrip } = person.makeKey("granted");
  const other = person.makeKey("other");
  const before = person.gpg(["--list-secret-keys", "--with-colons"]);
  const refused = [
    "PKDECRYPT",
    `SETKEY ${keygrip}`,
    `EXPORT_KEY ${keygrip}`,
    "KEYWRAP_KEY --export",
    "IMPORT_KEY",
    "GENKEY",
    `READKEY ${keygrip}`,
    `DELETE_KEY --force ${keygrip}`,
    `PASSWD ${keygrip}`,
    `PRESET_PASSPHRASE ${keygrip} -1 00`,
    "GET_PASSPHRASE x x x x",
    "GET_CONFIRMATION x",
    "CLEAR_PASSPHRASE x",
    "PUTVAL a b",
    "GETVAL a",
    "LISTTRUSTED",
    `MARKTRUSTED ${other.fingerprint} P x`,
    "KEYINFO --list",
    "KEYINFO --ssh-list",
    "SCD LEARN",
    "SCD PKSIGN",
    "LEARN",
    "KILLAGENT",
    "RELOADAGENT",
    "UPDATESTARTUPTTY",
    "ISTRUSTED x",
    `PKSIGN nonce`,
    `SETHASH --inquire`,
    "pkdecrypt",
  ];
  const run = await say(person, keygrip, [
    "HAVEKEY --list",
    ...refused,
    "OPTION pinentry-mode=loopback",
    "GETINFO pid",
  ]);
  expect(run.stdout.trim().split("\n"), run.stderr).toEqual([
    "HAVEKEY OK data",
    ...refused.map((line) => `${line.split(" ")[0]} ERR`),
    "OPTION ERR",
    "GETINFO ERR",
  ]);
  expect(denials(run)).toHaveLength(refused.length);
  expect(new Set(denials(run).map(({ rule }) => rule))).toEqual(new Set(["sockets.gpg-agent"]));
  expect(intents(run)).toEqual([]);
  expect(person.gpg(["--list-secret-keys", "--with-colons"])).toBe(before);
});

test("gpg in the run decrypts nothing, exports nothing, and has no other key", async () => {
  using arena = new Arena();
  using person = new GpgHome();
  const granted = person.makeKey("granted");
  const other = person.makeKey("other");
  const recipient = ["--trust-model", "always", "--armor", "--encrypt", "-r", "granted@example.org"];
  arena.put("workspace/secret.asc", person.gpg(recipient, "attack at dawn\n"));
  expect(person.gpg(["-d", join(arena.workspace, "secret.asc")])).toBe("attack at dawn\n");
  arena.put("workspace/message", "hello\n");
  const attempts = [
    "gpg --batch -d secret.asc",
    "gpg --batch --pinentry-mode loopback --passphrase '' --export-secret-keys --armor",
    `gpg --batch -u ${other.fingerprint} --detach-sign -o other.sig message`,
    "gpg --batch --passphrase '' --quick-gen-key new@example.org ed25519 sign never",
    `cat ${person.secretKeys}/${granted.keygrip}.key`,
    `ls ${person.directory}`,
    `GNUPGHOME=${person.directory} gpg --batch --no-autostart --detach-sign -o direct.sig message`,
    `python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("${person.directory}/S.gpg-agent")'`,
  ];
  const script = attempts.map((line, at) => `${line} && echo "DONE ${at}"`).join("\n");
  const run = await confined(
    arena,
    ["bash", "-c", `${script}\ngpg --batch --list-keys --with-colons; exit 0`],
    {
      env: person.env,
      flags: ["--gpg-sign", granted.fingerprint],
    },
  );
  expect(run.stdout, run.stderr).not.toContain("DONE");
  expect(run.stdout).not.toContain("dawn");
  expect(run.stdout).not.toContain("PRIVATE");
  expect(run.stdout).toContain(granted.fingerprint);
  expect(run.stdout).not.toContain(other.fingerprint);
  expect(intents(run)).toEqual([]);
});

test.each([
  ["a key that nobody has", () => "A".repeat(40), "no public key of yours"],
  ["what is no key", () => "granted@example.org", "write its fingerprint or keygrip"],
  ["a subkey that decrypts", (home: GpgHome) => encryptingKey(home), "it is no key that signs"],
])("%s refuses the run", async (_what, key, problem) => {
  using arena = new Arena();
  using person = new GpgHome();
  person.makeKey("granted");
  const run = await confined(arena, ["true"], { env: person.env, flags: ["--gpg-sign", key(person)] });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(problem);
});

function encryptingKey(home: GpgHome): string {
  const lines = home.gpg(["--with-colons", "--with-keygrip", "--list-keys"]).split("\n");
  const at = lines.findIndex((line) => line.startsWith("sub:"));
  return lines
    .slice(at)
    .find((line) => line.startsWith("fpr:"))!
    .split(":")[9]!;
}

test("a run that may read the secret keys, or connect to the agent itself, is refused", async () => {
  using arena = new Arena();
  using person = new GpgHome();
  const { fingerprint } = person.makeKey("granted");
  for (const [flags, problem] of [
    [["--read", person.directory], "the run may read"],
    [["--socket", join(person.directory, "S.gpg-agent")], "a rule lets the run connect"],
  ] as const) {
    const run = await confined(arena, ["true"], {
      env: person.env,
      flags: ["--gpg-sign", fingerprint, ...flags],
    });
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toContain(problem);
  }
});

test("a profile grants a key, and without a grant there is no agent", async () => {
  using arena = new Arena();
  using person = new GpgHome();
  const { fingerprint } = person.makeKey("granted");
  arena.put("workspace/message", "hello\n");
  const profile = arena.put(
    "home/mine.yaml",
    `name: mine\nversion: 1\ndescription: Signs\nextends: [":workspace"]\ngpgKeys:\n  sign: ["${fingerprint}"]\n`,
  );
  const sign = ["bash", "-c", "gpg --batch --detach-sign message"];
  const run = await confined(arena, sign, { env: person.env, profile });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(intents(run)).toHaveLength(1);
  const without = await confined(
    arena,
    ["bash", "-c", "rm -f message.sig; gpg --batch --detach-sign message"],
    {
      env: person.env,
    },
  );
  expect(without.exitCode).not.toBe(0);
});
