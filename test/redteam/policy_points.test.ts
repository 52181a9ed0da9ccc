import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askAuthzen } from "../../src/broker/policy_points/authzen.ts";
import { type IssuanceRequest, readPoints } from "../../src/broker/policy_points/decide.ts";
import { askOpa } from "../../src/broker/policy_points/opa.ts";
import { askPoints } from "../../src/broker/tokens/ask_points.ts";
import { needs, rootObstacle } from "../support/needs.ts";
import { type Behaviour, opaModule } from "../support/opa_policies.ts";
import { capability } from "../support/sessions.ts";

const ASKED = {
  subject: { type: "agent", id: "a" },
  action: { name: "issue" },
  resource: { type: "capability", id: "c" },
  context: {},
} as const;

describe("a policy of OPA", () => {
  const ask = async (
    behaviour: Behaviour,
    result: unknown,
    more: { input?: unknown; refused?: unknown; entrypoint?: string; maxMemoryMiB?: number } = {},
  ) =>
    askOpa(
      {
        wasm: await opaModule(behaviour, result, more.refused),
        entrypoint: more.entrypoint ?? "sallyport/decision",
        timeoutMs: 3000,
        maxMemoryMiB: more.maxMemoryMiB ?? 16,
      },
      more.input ?? { a: 1 },
    );

  it("allows, with its obligations", async () => {
    expect(await ask("answers", { allow: true, max_ttl: 60, redact: ["email"] })).toEqual({
      kind: "allow",
      maxLifetimeSeconds: 60,
      redact: ["email"],
    });
  });

  it("sees the input", async () => {
    const refused = { allow: true, deny: ["it shouts"] };
    expect(await ask("answers", { allow: true }, { input: { a: "quiet" }, refused })).toMatchObject({
      kind: "allow",
    });
    expect(await ask("answers", { allow: true }, { input: { a: "loud!" }, refused })).toEqual({
      kind: "deny",
      reason: "it shouts",
    });
  });

  it("that runs for ever is ended", async () => {
    const before = Date.now();
    expect(await ask("runs for ever", { allow: true })).toMatchObject({
      kind: "deny",
      reason: expect.stringMatching(/not answered within 3000 ms/),
    });
    expect(Date.now() - before).toBeLessThan(10_000);
  });

  it("that takes all memory gets no more than it may", async () => {
    expect(await ask("takes all memory", { allow: true })).toMatchObject({
      kind: "deny",
      reason: expect.stringMatching(/it failed: memory access out of bounds/),
    });
  });

  it.each<[string, Behaviour, unknown, object, RegExp]>([
    ["aborts", "aborts", { allow: true }, {}, /it failed/],
    ["does not allow", "answers", { allow: false }, {}, /does not allow/],
    ["allows and denies", "answers", { allow: true, deny: ["no"] }, {}, /^no$/],
    ["is undefined", "answers", undefined, {}, /undefined for this input/],
    ["says true alone", "answers", true, {}, /no object/],
    ["says yes in words", "answers", { allow: "true" }, {}, /no truth value/],
    [
      "has an obligation that is not known",
      "answers",
      { allow: true, require_2fa: true },
      {},
      /unknown obligation "require_2fa"/,
    ],
    ["has a lifetime below zero", "answers", { allow: true, max_ttl: -1 }, {}, /max_ttl/],
    [
      "has another entry point",
      "answers",
      { allow: true },
      { entrypoint: "other" },
      /entrypoint other is not valid/,
    ],
    [
      "is larger than its memory",
      "answers",
      { allow: true },
      { maxMemoryMiB: 1, input: "x".repeat(2_000_000) },
      /it failed/,
    ],
  ])("that %s has denied", async (_, behaviour, result, more, reason) => {
    expect(await ask(behaviour, result, more)).toMatchObject({
      kind: "deny",
      reason: expect.stringMatching(reason),
    });
  });

  it("that is no module has denied", async () => {
    expect(
      await askOpa(
        { wasm: Buffer.from("package sallyport"), entrypoint: "a", timeoutMs: 3000, maxMemoryMiB: 16 },
        {},
      ),
    ).toMatchObject({ kind: "deny" });
  });
});

describe("a point of AuthZEN", () => {
  let server: Server;
  let url = "";
  let authority = "";
  const directory = mkdtempSync(join(tmpdir(), "authzen-"));
  let seen: { headers: IncomingMessage["headers"]; body: string } | null = null;
  const answers: Record<string, (response: ServerResponse) => void> = {};

  const json =
    (body: unknown, status = 200, type = "application/json") =>
    (response: ServerResponse): void =>
      void response
        .writeHead(status, { "content-type": type })
        .end(typeof body === "string" ? body : JSON.stringify(body));

  beforeAll(async () => {
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        key,
        "-out",
        certificate,
      ],
      { stdio: "ignore" },
    );
    authority = readFileSync(certificate, "utf8");
    server = createServer({ key: readFileSync(key), cert: authority }, (request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        seen = { headers: request.headers, body };
        answers[request.url!.slice(1).split("/")[0]!]?.(response);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true });
  });
  const ask = (how: string, certificates: string | null = authority) =>
    askAuthzen(
      { url: `${url}/${how}/access/v1/evaluation`, timeoutMs: 1500, certificates, token: "secret" },
      ASKED,
    );

  it("is asked as the API says, and allows", async () => {
    answers["allow"] = json({ decision: true, context: { obligations: { max_ttl: 30 } } });
    expect(await ask("allow")).toEqual({ kind: "allow", maxLifetimeSeconds: 30, redact: [] });
    expect(JSON.parse(seen!.body)).toEqual(ASKED);
    expect(seen!.headers).toMatchObject({
      authorization: "Bearer secret",
      "content-type": "application/json",
    });
  });

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ["denies", json({ decision: false, context: { reason: "not today" } }), /^not today$/],
    ["says yes in words", json({ decision: "true" }), /no truth value/],
    ["says nothing", json({}), /no truth value/],
    [
      "has obligations that are not known",
      json({ decision: true, context: { obligations: { call_me: 1 } } }),
      /unknown obligation/,
    ],
    ["answers with an error that looks like a yes", json({ decision: true }, 500), /status 500/],
    [
      "sends elsewhere",
      (response) => void response.writeHead(302, { location: "https://localhost/" }).end(),
      /status 302/,
    ],
    ["answers with a page", json("<html>", 200, "text/html"), /no JSON/],
    ["answers with half of it", json('{"decision": tru'), /no JSON/],
    [
      "answers without end",
      (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write(" ".repeat(200_000));
      },
      /too large/,
    ],
    ["never answers", () => {}, /not answered within 1500 ms/],
    ["breaks off", (response) => void response.destroy(), /can not be asked/],
  ])("that %s has denied", async (name, answer, reason) => {
    const how = name.replace(/\W/g, "-");
    answers[how] = answer;
    expect(await ask(how)).toMatchObject({ kind: "deny", reason: expect.stringMatching(reason) });
  });

  it("that nobody vouches for has denied, whatever the environment says", async () => {
    answers["allow"] = json({ decision: true });
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      expect(await ask("allow", null)).toMatchObject({
        kind: "deny",
        reason: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/),
      });
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
  });

  it("that is not there has denied", async () => {
    expect(
      await askAuthzen(
        {
          url: "https://127.0.0.1:9/access/v1/evaluation",
          timeoutMs: 1500,
          certificates: authority,
          token: null,
        },
        ASKED,
      ),
    ).toMatchObject({ kind: "deny", reason: expect.stringMatching(/ECONNREFUSED/) });
  });
});

describe("policy points", () => {
  needs(rootObstacle());
  const REQUEST: IssuanceRequest = {
    occasion: "issue",
    agent: "writer",
    resource: {
      id: "c",
      attributes: {
        actions: ["read"],
        paths: ["/srv/**"],
        hosts: [],
        lifetimeSeconds: 600,
        delegationDepth: 1,
      },
    },
    context: { run: "r", uid: 0, nowMs: Date.UTC(2026, 0, 1) },
  };

  async function decideWith(points: string, files: Readonly<Record<string, string | Uint8Array>>) {
    const home = mkdtempSync("/root/.sallyport-test-");
    try {
      const place = join(home, ".config/sallyport");
      mkdirSync(place, { recursive: true, mode: 0o755 });
      for (const [name, content] of Object.entries({ "points.yaml": points, ...files }))
        writeFileSync(join(place, name), content, { mode: 0o644 });
      const read = await readPoints(home, 0, ["nowhere"]);
      return await read.decide(REQUEST);
    } finally {
      rmSync(home, { recursive: true });
    }
  }
  const permit = (more = "") =>
    `@id("a") permit(principal == Agent::"writer", action == Action::"issue", resource) when { resource.lifetimeSeconds <= 3600${more} };`;
  const CEDAR = "points: [{ kind: cedar, ask: [issue], policies: a.cedar }]";

  it("are asked before a token is made", async () => {
    const home = mkdtempSync("/root/.sallyport-test-");
    try {
      const place = join(home, ".config/sallyport");
      mkdirSync(place, { recursive: true, mode: 0o755 });
      writeFileSync(join(place, "points.yaml"), CEDAR, { mode: 0o644 });
      writeFileSync(join(place, "a.cedar"), permit(), { mode: 0o644 });
      const made = (subject: string, lifeMs: number) =>
        capability("c", { subject, issuedMs: 0, notBeforeMs: 0, expiresMs: lifeMs });
      await expect(askPoints(made("writer", 600_000), home, 0)).resolves.toBeUndefined();
      await expect(askPoints(made("writer", 7_200_000), home, 0)).rejects.toThrow(/no permit holds/);
      await expect(askPoints(made("reader", 600_000), home, 0)).rejects.toThrow(/no permit holds/);
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  it("of Cedar decide on a capability", async () => {
    expect(await decideWith(CEDAR, { "a.cedar": permit() })).toMatchObject({
      kind: "allow",
      points: ["cedar a.cedar"],
    });
    expect(
      await decideWith(CEDAR, { "a.cedar": permit(' && resource.actions.contains("write")') }),
    ).toMatchObject({ kind: "deny", reason: "cedar a.cedar: no permit holds" });
    expect(
      await decideWith(CEDAR, {
        "a.cedar": `${permit()} @id("b") forbid(principal, action == Action::"issue", resource) when { context.uid == 0 };`,
      }),
    ).toMatchObject({ kind: "deny" });
  });

  it("must all allow, and the shorter lifetime holds", async () => {
    const wasm = await opaModule("answers", { allow: true, max_ttl: 60 });
    const sha256 = createHash("sha256").update(wasm).digest("hex");
    const opa = `{ kind: opa, ask: [issue], bundle: p.wasm, sha256: ${sha256}, entrypoint: sallyport/decision, timeoutMs: 3000, maxMemoryMiB: 16 }`;
    const both = `points:\n  - { kind: cedar, ask: [issue], policies: a.cedar }\n  - ${opa}\n`;
    expect(await decideWith(both, { "a.cedar": permit(), "p.wasm": wasm })).toMatchObject({
      kind: "allow",
      maxLifetimeSeconds: 60,
    });
    expect(await decideWith(both, { "a.cedar": permit(" && false"), "p.wasm": wasm })).toMatchObject({
      kind: "deny",
    });
    await expect(
      decideWith(both, { "a.cedar": permit(), "p.wasm": new Uint8Array([...wasm, 0]) }),
    ).rejects.toThrow(/its digest is/);
  });

  it("that can not be read hand out nothing", async () => {
    await expect(decideWith(CEDAR, { "a.cedar": "permit(principal, action, resource);" })).rejects.toThrow(
      /permits everything/,
    );
    await expect(decideWith(CEDAR, {})).rejects.toThrow(/a\.cedar" is not there/);
    await expect(
      decideWith(
        "points: [{ kind: authzen, ask: [issue], url: http://pdp.test/access/v1/evaluation, timeoutMs: 100 }]",
        {},
      ),
    ).rejects.toThrow(/anybody on the way/);
  });
});
