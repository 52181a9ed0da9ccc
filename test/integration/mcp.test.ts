import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { eachUser } from "../support/each_user.ts";
import { McpSession } from "../support/mcp.ts";

let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((request, response) => {
    const big = request.url === "/big";
    response.end(big ? "x".repeat(400_000) : `${request.method} ${request.headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

eachUser((owner) => {
  test("works on files of the workspace, bounded, and leaves a record of each act", async () => {
    using arena = new Arena(owner);
    arena.put("workspace/big.txt", "y".repeat(300_000));
    await using session = await McpSession.start(arena);
    const { tools } = await session.client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(
      // biome-ignore format: names
      ["delete", "edit_file", "exec", "fetch", "list_directory", "make_directory", "move", "read_cells", "read_file", "search", "submit_plan", "write_cells", "write_file"],
    );
    const ok = async (name: string, args: Record<string, unknown>) => {
      const answer = await session.call(name, args);
      expect(answer.isError, JSON.stringify(answer)).toBeFalsy();
      return answer;
    };
    await ok("make_directory", { path: "src/deep" });
    await ok("write_file", { path: "src/deep/a.txt", content: "one\ntwo needle\nthree\n" });
    expect((await ok("read_file", { path: "src/deep/a.txt" })).content[0]!.text).toBe(
      "one\ntwo needle\nthree\n",
    );
    await ok("edit_file", { path: "src/deep/a.txt", edits: [{ oldText: "two", newText: "2" }] });
    expect(readFileSync(join(arena.workspace, "src/deep/a.txt"), "utf8")).toBe("one\n2 needle\nthree\n");
    const big = await ok("read_file", { path: "big.txt" });
    expect(big.content[0]!.text.length).toBe(262_144);
    expect(big.structuredContent).toMatchObject({ truncated: true, sizeBytes: 300_000 });
    const rest = await ok("read_file", { path: "big.txt", startByte: 262_144 });
    expect(rest.structuredContent).toMatchObject({ truncated: false, bytes: 37_856 });
    expect((await ok("search", { text: "needle" })).structuredContent?.["found"]).toEqual([
      { path: "src/deep/a.txt", line: 2, text: "2 needle" },
    ]);
    expect((await ok("search", { name: "*.t?t" })).content[0]!.text).toBe("big.txt\nsrc/deep/a.txt");
    await ok("move", { from: "src/deep/a.txt", to: "src/b.txt" });
    expect((await ok("list_directory", { path: "src" })).content[0]!.text).toBe("b.txt\ndeep/");
    expect(await session.call("move", { from: "big.txt", to: "src/b.txt" })).toMatchObject({
      isError: true,
      structuredContent: { errno: "EEXIST" },
    });
    await ok("delete", { path: "src", recursive: true });
    expect(readdirSync(arena.workspace)).toEqual(["big.txt"]);
    const records = await session.end();
    const made = records.filter(({ kind }) => kind === "intent").map(({ op, path }) => `${op} ${path}`);
    for (const act of ["mkdir", "unlink"]) expect(made).toContain(`${act} ${arena.workspace}/src/deep`);
    expect(made).toContain(`rename ${arena.workspace}/src/deep/a.txt`);
  });

  test("answers a forbidden act with the denial as data, and nothing outside changes", async () => {
    using arena = new Arena(owner);
    symlinkSync(arena.outside, join(arena.workspace, "way-out"));
    const before = fingerprint(arena.outside);
    await using session = await McpSession.start(arena);
    const { outside } = arena;
    const acts: readonly (readonly [string, Record<string, unknown>])[] = [
      ["write_file", { path: `${outside}/new`, content: "x" }],
      ["write_file", { path: "way-out/new", content: "x" }],
      ["write_file", { path: `../outside/new`, content: "x" }],
      ["read_file", { path: `${outside}/secret` }],
      ["edit_file", { path: `${outside}/file`, edits: [{ oldText: "file", newText: "x" }] }],
      ["list_directory", { path: outside }],
      ["search", { path: outside, text: "secret" }],
      ["move", { from: `${outside}/victim`, to: "stolen" }],
      ["delete", { path: `${outside}/victim` }],
      ["make_directory", { path: `${outside}/made` }],
      ["exec", { command: [`${outside}/victim`] }],
      ["fetch", { url: `http://localhost:${port}/` }],
    ];
    for (const [name, args] of acts) {
      const answer = await session.call(name, args);
      expect(answer, `${name} ${JSON.stringify(args)}`).toMatchObject({
        isError: true,
        structuredContent: {
          code: "DENIED",
          denial: { reason: expect.any(String), next_steps: expect.any(Array) },
        },
      });
      expect(answer.structuredContent?.denial?.rule).not.toBe("");
      expect(answer.content[0]!.text).toMatch(/^denied: /);
    }
    expect(fingerprint(outside)).toBe(before);
    // Node looks for files of its own too.
    const isAct = ({ op, path }: { op?: string; path?: string }) =>
      op === "connect" || path?.startsWith(outside) === true;
    const denied = (await session.end()).filter((record) => record.kind === "deny" && isAct(record));
    expect(denied.length).toBe(acts.length);
    expect(denied.some(({ op }) => op === "connect")).toBe(true);
  });

  test("runs programs in the same sandbox, bounded in output and time", async () => {
    using arena = new Arena(owner);
    await using session = await McpSession.start(arena);
    const run = async (command: readonly string[], more: Record<string, unknown> = {}) =>
      (await session.call("exec", { command, ...more })).structuredContent;
    expect(await run(["sh", "-c", "cat; echo err >&2; exit 3"], { stdin: "in" })).toMatchObject({
      exitCode: 3,
      signal: null,
      stdout: "in",
      stderr: "err\n",
      timedOut: false,
      truncated: false,
    });
    expect(await run(["sh", "-c", `echo x > ${arena.outside}/new || echo refused`])).toMatchObject({
      stdout: "refused\n",
    });
    const much = await run(["sh", "-c", "yes | head -c 1000000"]);
    expect(much).toMatchObject({ exitCode: 0, truncated: true });
    expect(String(much?.["stdout"]).length).toBe(65_536);
    const started = Date.now();
    expect(await run(["sh", "-c", "sleep 300 & sleep 300"], { timeoutMs: 1_000 })).toMatchObject({
      timedOut: true,
      signal: "SIGTERM",
    });
    expect(Date.now() - started).toBeLessThan(30_000);
    expect(await session.call("exec", { command: ["no-such-program"] })).toMatchObject({ isError: true });
    expect(existsSync(join(arena.outside, "new"))).toBe(false);
    const records = await session.end();
    expect(records.filter(({ op, kind }) => op === "exec" && kind === "intent").length).toBe(4);
    expect(records.some(({ op, kind }) => op === "kill" && kind === "intent")).toBe(true);
  });

  test("fetches from granted hosts alone, bounded", async () => {
    using arena = new Arena(owner);
    await using session = await McpSession.start(arena, ["--net-allow", `localhost:${port}`]);
    const answer = await session.call("fetch", {
      url: `http://localhost:${port}/x`,
      method: "POST",
      body: "b",
    });
    expect(answer.structuredContent).toMatchObject({ status: 200, body: `POST localhost:${port}` });
    const big = await session.call("fetch", { url: `http://localhost:${port}/big` });
    expect(big.structuredContent).toMatchObject({ truncated: true });
    expect(String(big.structuredContent?.["body"]).length).toBe(262_144);
    expect(await session.call("fetch", { url: "http://other.example/" })).toMatchObject({
      isError: true,
      structuredContent: { denial: { next_steps: ["sallyport run --net-allow other.example:80 …"] } },
    });
    expect(await session.call("fetch", { url: "file:///etc/hostname" })).toMatchObject({
      isError: true,
      structuredContent: { code: "INVALID" },
    });
  });

  test("keeps a plan and says that nobody has approved it", async () => {
    using arena = new Arena(owner);
    await using session = await McpSession.start(arena);
    const plan = { title: "t", actions: [{ action: "write", target: "a.txt", rationale: "r" }] };
    const answer = await session.call("submit_plan", plan);
    expect(answer.structuredContent).toMatchObject({ status: "kept", approved: false });
    expect(answer.content[0]!.text).toContain("not approved");
    const path = answer.structuredContent?.["path"] as string;
    expect(JSON.parse(readFileSync(join(arena.workspace, path), "utf8")).plan).toEqual(plan);
    expect((await session.call("submit_plan", plan)).structuredContent).toMatchObject({ path });
    const wrong = [
      {},
      { ...plan, approved: true },
      { ...plan, actions: [] },
      { ...plan, actions: [{ action: "approve", target: "x" }] },
      { ...plan, actions: [{ action: "write", target: "x", extra: 1 }] },
      { ...plan, title: "t".repeat(201) },
      { ...plan, title: 7 },
    ];
    for (const one of wrong)
      expect(await session.call("submit_plan", one), JSON.stringify(one)).toMatchObject({
        isError: true,
        structuredContent: { code: "INVALID" },
      });
    const records = await session.end();
    expect(
      records.some(({ op, path: name, kind }) => op === "open" && kind === "intent" && name?.endsWith(path)),
    ).toBe(true);
  });
});

test("outside of a run the server does not serve by itself", async () => {
  const { serveMcp } = await import("../../src/mcp/server.ts");
  await expect(serveMcp("0")).rejects.toMatchObject({ code: "GONE" });
});

test("the configuration and the denial that docs/mcp.md shows are real ones", async () => {
  const page = readFileSync(new URL("../../docs/mcp.md", import.meta.url), "utf8");
  const [configuration, denial] = [...page.matchAll(/^```json\n(.*?)^```$/gms)].map(([, text]) =>
    JSON.parse(text!),
  );
  const { command, args } = configuration.mcpServers.sallyport as { command: string; args: string[] };
  expect([command, args[0]]).toEqual(["sallyport", "mcp"]);
  using arena = new Arena();
  const own = args.slice(1).map((arg) => (arg === "/home/me/project" ? arena.workspace : arg));
  await using session = await McpSession.start(arena, own);
  const answer = await session.call("write_file", { path: `${arena.outside}/hosts.new`, content: "" });
  const shown = JSON.parse(JSON.stringify(denial).replaceAll("/etc", arena.outside));
  // Where the same is allowed depends on the machine.
  shown.denial.allowed_roots = answer.structuredContent?.denial?.allowed_roots;
  expect(answer.structuredContent).toEqual(shown);
  expect(shown.denial.allowed_roots).toContain(arena.workspace);
  expect(answer.content[0]!.text.split("\n").length).toBe(1);
});
