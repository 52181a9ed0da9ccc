import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Administered, administrationObstacle } from "../support/administered.ts";
import { Arena } from "../support/arena.ts";
import { needs } from "../support/needs.ts";

const obstacle = administrationObstacle();

const layer = (kind: string, rest: string): string =>
  `layer: ${kind}\nversion: 1\ndescription: A layer\n${rest}`;
const rule = (id: string, effect: string, path: string): string =>
  `  - id: ${id}\n    effect: ${effect}\n    rights: [write, create, delete]\n    paths: ["${path}"]\n    reason: Why\n`;
const MANAGED = layer("managed", `rules:\n${rule("locked", "deny", "${workspace}/locked/**")}`);
const USER = layer("user", `rules:\n${rule("mine", "deny", "${workspace}/src/mine")}`);
const PROJECT = layer("project", `rules:\n${rule("sources", "allow", "${workspace}/src/**")}`);

describe("a machine that is administered", () => {
  needs(obstacle);
  it("holds every layer against a program that does what each refuses", async () => {
    using arena = new Arena();
    arena.put("workspace/locked/kept", "kept\n");
    arena.put("workspace/src/mine", "mine\n");
    arena.put("workspace/.sallyport/policy.yaml", PROJECT);
    const machine = new Administered(arena);
    machine.managed("10.yaml", MANAGED);
    machine.user("policy.yaml", USER);
    const script =
      "for f in locked/kept src/mine elsewhere .sallyport/policy.yaml src/free; do echo x > $f && echo wrote $f; done; rm -rf locked; mv src/mine src/moved; cat locked/kept src/mine";
    const run = await machine.run(["bash", "-c", script]);
    expect(run.stdout, run.stderr).toBe("wrote src/free\nkept\nmine\n");
    const by = (path: string) =>
      run.report!.denied.filter((one) => one.path === join(arena.workspace, path)).map((one) => one.rule);
    expect(by("locked/kept")).toContain("managed.locked");
    expect(by("src/mine")).toContain("user.mine");
    expect(by("elsewhere")).toContain("project.ceiling");
    expect(existsSync(join(arena.workspace, "elsewhere"))).toBe(false);
    const start = run.records.find(({ kind }) => kind === "run.start");
    expect(start!.extra!["layers"]).toMatch(
      /^managed \/etc\/sallyport\/policy\.d\/10\.yaml sha256:.*user .*project /,
    );
  });

  it.each([
    [
      "a project that widens its user's layer",
      (machine: Administered, arena: Arena) => {
        machine.user(
          "policy.yaml",
          layer("user", `rules:\n${rule("docs", "allow", "${workspace}/docs/**")}`),
        );
        arena.put("workspace/.sallyport/policy.yaml", PROJECT);
      },
      /\.sallyport\/policy\.yaml:8:\d+: grants write on \$\{workspace\}\/src\/\*\*, which .*config\/sallyport\/policy\.yaml:5 does not/,
    ],
    [
      "a project that widens a managed layer",
      (machine: Administered, arena: Arena) => {
        machine.managed("20.yaml", layer("managed", "network: { allow: [example.org] }\n"));
        arena.put(
          "workspace/.sallyport/policy.yaml",
          layer("project", "network:\n  allow:\n    - example.org\n    - evil.test\n"),
        );
      },
      /\.sallyport\/policy\.yaml:7:\d+: grants the host evil\.test, which \/etc\/sallyport\/policy\.d\/20\.yaml:4 does not/,
    ],
    [
      "a project whose file is no layer",
      (_: Administered, arena: Arena) => void arena.put("workspace/.sallyport/policy.yaml", "rules: none\n"),
      /Cannot use a policy layer/,
    ],
    [
      "a user's layer that names itself a managed one",
      (machine: Administered) => machine.user("policy.yaml", MANAGED),
      /the file lies where the user layer is/,
    ],
  ])("starts nothing for %s", async (_, plant, problem) => {
    using arena = new Arena();
    const machine = new Administered(arena);
    machine.managed("10.yaml", MANAGED);
    plant(machine, arena);
    const run = await machine.run(["touch", "src"]);
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(problem);
    expect(existsSync(join(arena.workspace, "src"))).toBe(false);
  });

  it("is not led past its layers by the environment", async () => {
    using arena = new Arena();
    const machine = new Administered(arena);
    machine.managed("10.yaml", layer("managed", 'profiles: [":workspace"]\n'));
    machine.user("policy.yaml", USER);
    const env = { ...process.env, HOME: "/nowhere", XDG_CONFIG_HOME: "/nowhere", SALLYPORT_POLICY: "off" };
    const run = await machine.run(["true"], { profile: ":strict", env });
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(/10\.yaml:4: lets -p name :workspace, and it names :strict/);
  });

  it("lets no pack go beyond what is managed, and its own policies hold beside", async () => {
    using arena = new Arena();
    const machine = new Administered(arena);
    machine.managed("10.yaml", layer("managed", "network: { allow: [github.com] }\n"));
    const run = await machine.run(["true"], { profile: "@developer" });
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(
      /pack @developer: grants the host \S+, which \/etc\/sallyport\/policy\.d\/10\.yaml does not/,
    );
  });

  it("asks its Cedar policies about a host that profile and command line grant", async () => {
    using arena = new Arena();
    const machine = new Administered(arena);
    const server = createServer((socket) => socket.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    machine.managed(
      "30.cedar",
      `@id("low-ports")\npermit(principal, action == Action::"connect", resource)\nwhen { resource.port < 1024 };\n`,
    );
    const talk = `import socket\ntry:\n s=socket.create_connection(("127.0.0.1",${port}),5); print(s.recv(2).decode() or "cut")\nexcept OSError: print("refused")\n`;
    const run = await machine.run(["/usr/bin/python3", "-c", talk], {
      flags: ["--net-allow", `127.0.0.1:${port}`],
    });
    server.close();
    expect(run.stdout, run.stderr).not.toContain("ok");
    expect(run.report?.denied, run.stderr).toMatchObject([
      { rule: "policy.no-permit", reason: expect.stringContaining("/etc/sallyport/policy.d/30.cedar:1") },
    ]);
  });
});
