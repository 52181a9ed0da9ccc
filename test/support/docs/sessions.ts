import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Terminal sessions in the documentation: `<!-- session: NAME -->` and a console block behind it. */
export type Session = { readonly name: string; readonly steps: readonly Step[] };
export type Step = { readonly command: string; readonly output: string };

const ROOT = join(import.meta.dirname, "../../..");
const SESSION = /(<!-- session: ([a-z-]+) -->\n```console\n)([\s\S]*?)(```)/g;
/** What the pages call the directory of the session. */
const SHOWN_AS = "/tmp/notes";

export function sessionsOf(page: string): Session[] {
  return [...page.matchAll(SESSION)].map(([, , name, body]) => ({ name: name!, steps: stepsOf(body!) }));
}

/** The page with the session's output replaced by that of `steps`. */
export function withSession(page: string, { name, steps }: Session): string {
  const body = steps.map(({ command, output }) => `$ ${command}\n${output}`).join("");
  return page.replace(SESSION, (whole, begin: string, found: string, _old: string, end: string) =>
    found === name ? begin + body + end : whole,
  );
}

/** Runs the commands one after the other, as a person would type them, and gives them with what they printed. */
export function play({ name, steps }: Session, scratch: string, example: string): Session {
  const workspace = prepare(scratch, example);
  const env = {
    ...process.env,
    PATH: `${join(ROOT, "bin")}:${process.env["PATH"] ?? ""}`,
    XDG_STATE_HOME: join(scratch, "state"),
    LC_ALL: "C.UTF-8",
  };
  // The demonstration belongs to a clone, everything else to a workspace.
  const cwd = steps[0]?.command.startsWith("npm start") ? ROOT : workspace;
  const played = steps.map(({ command }) => {
    const file = join(scratch, "output");
    const fd = openSync(file, "w");
    spawnSync("bash", ["-c", command], { cwd, env, stdio: ["ignore", fd, fd] });
    closeSync(fd);
    return {
      command,
      output: readFileSync(file, "utf8").replaceAll(workspace, SHOWN_AS).replaceAll(scratch, "/tmp"),
    };
  });
  return { name, steps: played };
}

/** The same text with everything that differs from run to run replaced by a word. */
export function shapeOf(output: string): string {
  return output
    .replace(/\b[0-9a-f]{12}\b/g, "RUN")
    .replace(/[A-Za-z0-9+/]{43}=/g, "ROOT")
    .replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, "KEY")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/^\d+ TIME/gm, "N TIME")
    .replace(/audit head \d+/g, "audit head N")
    .replace(/\d+ (operations?|records?)\b/g, "N $1")
    .replace(/\d+ files? changed/g, "N files changed")
    .replace(/"landlockAbi":\d+/g, '"landlockAbi":N');
}

function prepare(scratch: string, example: string): string {
  const workspace = join(scratch, "notes");
  mkdirSync(join(workspace, "node_modules"), { recursive: true });
  symlinkSync(ROOT, join(workspace, "node_modules/sallyport"));
  writeFileSync(join(workspace, "agent.mjs"), example);
  writeFileSync(join(workspace, "todo.md"), "- call home\n");
  writeFileSync(join(workspace, ".env"), "TOKEN=secret\n");
  const git = (...args: string[]): void =>
    void execFileSync("git", ["-C", workspace, ...args], { stdio: "ignore" });
  git("init", "--quiet");
  git("config", "user.name", "you");
  git("config", "user.email", "you@localhost");
  git("add", "todo.md");
  git("commit", "-qm", "First note");
  return workspace;
}

/** A line with "$ " begins a command; one with a here-document goes on to its END. */
function stepsOf(body: string): Step[] {
  const steps: { command: string; output: string }[] = [];
  let inside = false;
  for (const line of body.split("\n").slice(0, -1)) {
    const last = steps.at(-1);
    if (inside && last !== undefined) {
      last.command += `\n${line}`;
      inside = line !== "END";
    } else if (line.startsWith("$ ")) {
      steps.push({ command: line.slice(2), output: "" });
      inside = line.includes("<<'END'");
    } else if (last !== undefined) last.output += `${line}\n`;
  }
  return steps;
}
