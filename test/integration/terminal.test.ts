import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { runCommand } from "../support/confined.ts";
import { placeVictim } from "../support/hostile.ts";
import { CTRL_C, onTerminal, type Session, type Step, terminalObstacle } from "../support/terminal.ts";

beforeEach((context) => {
  const obstacle = terminalObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

function inside(arena: Arena, command: readonly string[], steps: readonly Step[]): Promise<Session> {
  return onTerminal(runCommand(arena, command), steps, { cwd: arena.workspace, env: { TERM: "xterm" } });
}

test("the program has a terminal of its own", async () => {
  using arena = new Arena();
  const script = "test -t 0 && test -t 1 && test -t 2 && echo yes > /dev/tty && stty -a | grep -o ' icanon'";
  const { exitCode, output } = await inside(arena, ["sh", "-c", script], []);
  expect(output).toMatch(/yes\s+icanon/);
  expect(exitCode).toBe(0);
});

test("the program's output arrives on our terminal as it was written", async () => {
  using arena = new Arena();
  const { output } = await inside(
    arena,
    ["sh", "-c", "printf '<a\\nb>'; stty -opost; printf '<c\\nd\\r\\ne>'"],
    [],
  );
  expect(output).toContain("<a\r\nb>");
  expect(output).toContain("<c\nd\r\ne>");
});

test("Ctrl-C reaches the program", async () => {
  using arena = new Arena();
  const script = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done";
  const session = await inside(
    arena,
    ["sh", "-c", script],
    [{ wait: "ready" }, { send: CTRL_C }, { wait: "caught" }],
  );
  expect(session.exitCode).toBe(5);
});

test("Ctrl-C ends a program that does not catch it, and we end with 130", async () => {
  using arena = new Arena();
  const command = ["sh", "-c", "echo ready; exec sleep 1000"];
  expect((await inside(arena, command, [{ wait: "ready" }, { send: CTRL_C }])).exitCode).toBe(130);
});

test("Ctrl-C reaches a program whose input is not the terminal", async () => {
  using arena = new Arena();
  const run = runCommand(arena, ["sh", "-c", "echo ready; exec sleep 1000"]);
  const words = run.map((word) => `'${word}'`).join(" ");
  const steps = [{ wait: "ready" }, { send: CTRL_C }];
  const session = await onTerminal(["sh", "-c", `exec ${words} < /dev/null`], steps, {
    cwd: arena.workspace,
  });
  expect(session.exitCode, session.output).toBe(130);
});

test("the window's size is the program's, and so are its changes", async () => {
  using arena = new Arena();
  const script = "stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done";
  const session = await inside(
    arena,
    ["sh", "-c", script],
    [{ size: [33, 101] }, { wait: "33 101" }, { wait: "ready" }, { size: [44, 77] }, { wait: "44 77" }],
  );
  expect(session.exitCode).toBe(0);
});

test("less shows a file and is left with q", async () => {
  using arena = new Arena();
  arena.put("workspace/long", Array.from({ length: 300 }, (_, at) => `line ${at}\n`).join(""));
  const session = await inside(
    arena,
    ["less", "long"],
    [{ size: [24, 80] }, { wait: "line 10" }, { send: " " }, { wait: "line 40" }, { send: "q" }],
  );
  expect(session.exitCode).toBe(0);
});

test("vim edits a file on the screen", async () => {
  using arena = new Arena();
  const session = await inside(
    arena,
    ["vim", "-u", "NONE", "-n", "new"],
    [{ size: [24, 80] }, { wait: "~" }, { send: "ihello\u001b:wq\r" }],
  );
  expect(session.exitCode).toBe(0);
  expect(readFileSync(join(arena.workspace, "new"), "utf8")).toBe("hello\n");
});

test("an interactive shell has job control", async () => {
  using arena = new Arena();
  const session = await inside(
    arena,
    ["bash", "--norc", "-i"],
    [
      { wait: "[$#] " },
      { send: "sh -c 'echo u\"\"p; exec sleep 1000'\r" },
      { wait: "[\\r\\n]up" },
      { send: "\u001a" },
      { wait: "Stopped" },
      { send: "kill %1; fg; echo done-$((6*7))\r" },
      { wait: "done-42" },
      { send: "exit\r" },
    ],
  );
  expect(session.output).not.toContain("no job control");
  expect(session.exitCode).toBe(0);
});

test("the terminal is afterwards as it was", async () => {
  using arena = new Arena();
  const run = runCommand(arena, ["sh", "-c", "stty raw -echo"])
    .map((word) => `'${word}'`)
    .join(" ");
  const script = `before=$(stty -g); ${run}; test "$before" = "$(stty -g)" && echo as-before`;
  const session = await onTerminal(["sh", "-c", script], [], { cwd: arena.workspace });
  expect(session.output).toContain("as-before");
});

test("a program can type neither into its own terminal nor into ours", async () => {
  using arena = new Arena();
  const session = await inside(arena, [placeVictim(arena, "tiocsti")], []);
  expect(session.exitCode, session.output).toBe(10);
  const control = await onTerminal([placeVictim(arena, "tiocsti")], [], { cwd: arena.workspace });
  expect(control.exitCode, control.output).toBe(0);
});

test("a program makes terminals of its own, and opens no other", async () => {
  using arena = new Arena();
  arena.put(
    "workspace/terminals.py",
    [
      "import os",
      "master, slave = os.openpty()",
      "own = os.ttyname(slave)",
      "os.close(os.open(own, os.O_RDWR | os.O_NOCTTY))",
      "def outcome(path):",
      "    try: os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))",
      "    except OSError as error: return error.strerror",
      "    return 'opened'",
      "others = [f'/dev/pts/{n}' for n in range(64) if os.path.exists(f'/dev/pts/{n}')]",
      "print('own', own in others, 'others', sorted({outcome(path) for path in others if path != own}))",
    ].join("\n"),
  );
  const words = runCommand(arena, ["python3", "terminals.py"]).map((word) => `'${word}'`);
  // The input is no terminal, so that ours belongs to somebody else as far as the run is concerned.
  const session = await onTerminal(["sh", "-c", `${words.join(" ")} < /dev/null | cat`], [], {
    cwd: arena.workspace,
  });
  expect(session.output).toContain("own True others ['Permission denied']");
});

test("what is typed and what is printed passes where only one of the two is the terminal", async () => {
  using arena = new Arena();
  const run = (program: string): string =>
    runCommand(arena, ["sh", "-c", program])
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
      .join(" ");
  const printed = `${run("printf '<a\\nb>'; sh -c ': < /dev/tty' || echo no-tty")} < /dev/null`;
  const typed = `${run('echo ready >&2; read line; echo "got $line"')} > out 2> ready; cat out`;
  const session = await onTerminal(
    ["sh", "-c", `${printed}; echo next; { ${typed}; }`],
    [{ wait: "next" }, { send: "word\r" }, { wait: "got word" }],
    { cwd: arena.workspace },
  );
  expect(session.output).toContain("<a\r\nb>");
  expect(session.output).toContain("no-tty");
});
