import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Arena } from "./arena.ts";
import { type Confined, type ConfinedOptions, recordsOf, runCommand } from "./confined.ts";
import { execute, type Finished } from "./process.ts";

/** What each name of the test's internet leads to. No packet leaves the namespaces that the test makes. */
const ZONE = {
  "example.org": ["93.184.216.34", "2606:2800:220::34"],
  "www.example.org": ["93.184.216.34"],
  "only6.example.org": ["2606:2800:220::34"],
  "shared.example.org": ["93.184.216.34"],
  "elsewhere.test": ["93.184.216.99"],
  "metadata.test": ["169.254.169.254"],
  "private.test": ["10.9.0.1"],
  "loopback.test": ["127.0.0.1"],
  "mapped.test": ["::ffff:169.254.169.254"],
  "own.test": ["203.0.114.2"],
  "mixed.test": ["10.9.0.1", "93.184.216.34"],
} as const;
/** Addresses of the servers. */
const THERE = [
  "93.184.216.34/32",
  "93.184.216.99/32",
  "93.184.216.50/32",
  "169.254.169.254/32",
  "2606:2800:220::34/128",
];
const SERVER: string = new URL("internet_server.mjs", import.meta.url).pathname;

/** Why it can not be made here, or "". */
export function internetObstacle(): string {
  if (process.geteuid!() !== 0) return "needs root to make network namespaces, this machine has an user";
  try {
    execFileSync("unshare", ["-n", "-m", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    return "";
  } catch (error) {
    return `needs network namespaces, veth and ip(8), this machine has: ${String(error).split("\n")[0]}`;
  }
}

/** Two network namespaces joined by a cable: a host to run sallyport on, and an internet with servers. Close it. */
export class Internet {
  readonly #holders: ChildProcess[];
  readonly #directory: string;
  readonly #host: readonly string[];
  readonly #arrivals: string[];

  private constructor(
    holders: ChildProcess[],
    directory: string,
    host: readonly string[],
    arrivals: string[],
  ) {
    this.#holders = holders;
    this.#directory = directory;
    this.#host = host;
    this.#arrivals = arrivals;
  }

  static async make(): Promise<Internet> {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-internet-"));
    const hold = async (): Promise<{ child: ChildProcess; enter: string[] }> => {
      const child = spawn("unshare", ["-n", "-m", "sh", "-c", "echo ready; exec cat"], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await once(child.stdout!, "data");
      return { child, enter: ["nsenter", "-t", String(child.pid), "-n", "-m", "--"] };
    };
    const host = await hold();
    const there = await hold();
    const run = (enter: readonly string[], script: string) =>
      execFileSync(enter[0]!, [...enter.slice(1), "sh", "-ec", script], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    run(host.enter, `ip link add v0 type veth peer name v1; ip link set v1 netns ${there.child.pid}`);
    const up = (name: string, ipv4: string, ipv6: string) =>
      `ip link set lo up; ip link set ${name} up; ip addr add ${ipv4} dev ${name}; ip -6 addr add ${ipv6} dev ${name} nodad`;
    const addresses = THERE.map((address) => `ip addr add ${address} dev lo`).join("; ");
    run(there.enter, `${up("v1", "10.9.0.1/24", "2606:2800:9::1/64")}; ${addresses}`);
    writeFileSync(join(directory, "resolv.conf"), "nameserver 10.9.0.1\noptions timeout:2 attempts:1\n");
    writeFileSync(join(directory, "hosts"), "127.0.0.1 localhost\n93.184.216.50 listed.example.org\n");
    const binds = ["resolv.conf", "hosts"].map(
      (name) => `mount --bind ${join(directory, name)} /etc/${name}`,
    );
    run(
      host.enter,
      [
        up("v0", "10.9.0.2/24", "2606:2800:9::2/64"),
        "ip addr add 203.0.114.2/32 dev lo",
        "ip route add default via 10.9.0.1; ip -6 route add default via 2606:2800:9::1",
        ...binds,
      ].join("; "),
    );
    const key = join(directory, "key.pem");
    const cert = join(directory, "cert.pem");
    execFileSync(
      "openssl",
      // biome-ignore format: one option a word
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=example.org", "-addext", "subjectAltName=DNS:example.org,DNS:*.example.org", "-keyout", key, "-out", cert],
      { stdio: "ignore" },
    );
    const server = spawn(
      there.enter[0]!,
      [...there.enter.slice(1), process.execPath, SERVER, JSON.stringify(ZONE), key, cert, directory],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const arrivals: string[] = [];
    const lines = createInterface(server.stdout!);
    await once(lines, "line");
    lines.on("line", (line) => arrivals.push(line));
    return new Internet([server, host.child, there.child], directory, host.enter, arrivals);
  }

  /** What is put here every server of this internet has at /files/. */
  get files(): string {
    return this.#directory;
  }

  /** Of every server with TLS, as a file. */
  get certificate(): string {
    return join(this.#directory, "cert.pem");
  }

  /** `sallyport run` on the host of this internet, and everything that arrived at a server meanwhile. */
  async run(
    arena: Arena,
    command: readonly string[],
    options: ConfinedOptions = {},
  ): Promise<Confined & { readonly arrivals: readonly string[] }> {
    this.#arrivals.length = 0;
    // A certificate that the program inside may read.
    mkdirSync(arena.workspace, { recursive: true });
    arena.put("workspace/cert.pem", readFileSync(join(this.#directory, "cert.pem")));
    const finished = await execute([...this.#in(arena), ...runCommand(arena, command, options)], {
      cwd: arena.workspace,
      ...options,
    });
    const report = JSON.parse(readFileSync(join(arena.home, "report.json"), "utf8"));
    const records = "error" in report ? [] : await recordsOf(arena, report.run);
    return { ...finished, report: "error" in report ? null : report, records, arrivals: [...this.#arrivals] };
  }

  /** A command on the host, with nothing around it: the control. */
  async plain(
    arena: Arena,
    command: readonly string[],
    options: ConfinedOptions = {},
  ): Promise<Finished & { readonly arrivals: readonly string[] }> {
    this.#arrivals.length = 0;
    arena.put("workspace/cert.pem", readFileSync(join(this.#directory, "cert.pem")));
    const finished = await execute([...this.#in(arena), ...command], { cwd: arena.workspace, ...options });
    return { ...finished, arrivals: [...this.#arrivals] };
  }

  /** nsenter(1) goes to the root of the other mount namespace. */
  #in(arena: Arena): string[] {
    return [...this.#host, "sh", "-c", 'cd "$0" && exec "$@"', arena.workspace];
  }

  [Symbol.dispose](): void {
    for (const holder of this.#holders) holder.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
