/** A run that is learned from is weaker, and must not be a hole. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { placeVictim, REFUSED } from "../support/hostile.ts";

const learn = (arena: Arena, command: readonly string[]) =>
  sallyport(arena, ["learn", "--state", arena.state, "--", ...command]);

test("it can be seen at work: what no rule speaks of is granted", async () => {
  using arena = new Arena();
  const run = await learn(arena, ["bash", "-c", "cat ../outside/secret; echo new > ../outside/made"]);
  expect(run.stdout, run.stderr).toBe("secret outside\n");
  expect(readFileSync(join(arena.outside, "made"), "utf8")).toBe("new\n");
});

test.each([
  ["a secret by its name", "cat .env", "secrets.files"],
  ["a secret by its name, through a link", "ln -s .env x; cat x", "secrets.files"],
  ["a password file of the machine", "cat /etc/shadow", "secrets.system"],
  ["a git hook", "echo x > .git/hooks/pre-commit", "protected.git-hooks"],
  ["the configuration of a repository", "echo x >> .git/config", "protected.git-config"],
  ["our own records", 'ls "$STATE"; echo x > "$STATE/x"', "protected.state"],
  ["configuration of the machine", "echo x > /etc/sallyport-test", "learning.system"],
  ["a program for everybody", "echo x > /usr/local/bin/sallyport-test", "learning.system"],
  [
    "a program of the user",
    "mkdir ~/.local ~/.local/bin; echo x > ~/.local/bin/sallyport-test",
    "learning.programs",
  ],
  ["a scheduled task", "echo x > /var/spool/cron/sallyport-test", "protected.shell"],
  ["a kernel setting", "echo x > /proc/sys/kernel/core_pattern", "learning.system"],
  ["a device", "head -c 1 /dev/kmsg; cat /dev/kmsg", "learning.devices"],
  ["memory of the kernel", "head -c 1 /proc/kcore", "secrets.system"],
  ["a move of its directory", "mv .git away; mkdir .git; echo x > .git/config", "protected.git-config"],
])("%s stays closed", async (_, script, rule) => {
  using arena = new Arena();
  arena.put("workspace/.env", "TOKEN=1\n");
  arena.putRepository("workspace");
  const before = fingerprint(join(arena.workspace, ".git/hooks"));
  const places = [
    "/etc/sallyport-test",
    "/usr/local/bin/sallyport-test",
    "/var/spool/cron/sallyport-test",
    join(userInfo().homedir, ".local/bin/sallyport-test"),
  ];
  try {
    const run = await learn(arena, ["bash", "-c", script.replaceAll("$STATE", arena.state)]);
    expect(run.exitCode, run.stderr).not.toBe(0);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain(`(rule ${rule})`);
    expect(places.filter(existsSync)).toEqual([]);
    expect(fingerprint(join(arena.workspace, ".git/hooks"))).toBe(before);
    const profile = readFileSync(join(arena.state, "profiles/learned.yaml"), "utf8");
    for (const word of [
      ".env",
      "/etc/",
      "hooks",
      ".git/config",
      "/usr/local",
      "/proc/sys",
      "/dev/",
      arena.state,
    ])
      expect(profile.split("\n").slice(2).join("\n")).not.toContain(word);
  } finally {
    for (const place of places) rmSync(place, { force: true });
  }
});

for (const [victim, args] of [
  ["tcp_connect", ["9"]],
  ["io_uring", []],
] as const) {
  test(`${victim} has no more than in any run`, async () => {
    using arena = new Arena();
    const run = await learn(arena, [placeVictim(arena, victim), ...args]);
    expect(run.exitCode, run.stdout + run.stderr).toBe(REFUSED);
  });
}

test("the authority is that of the caller", async (context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  using arena = new Arena(NOBODY);
  using other = new Arena();
  other.put("outside/private", "private\n", 0o600);
  const run = await learn(arena, [
    "bash",
    "-c",
    `cat ${other.outside}/private; echo x > ${other.outside}/made`,
  ]);
  expect(run.stdout).toBe("");
  expect(existsSync(join(other.outside, "made"))).toBe(false);
});
