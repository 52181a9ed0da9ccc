/** A granted host and a granted socket, reached out of a run, beside the same exchange without Sallyport. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, type Row } from "../measure.ts";
import { curl, numbersOf, otherHost, root, startPeer } from "../peer.ts";

const ROUNDS = 5;
const CONNECTIONS = 300;
const MEBIBYTES = 256;
/** Time is the inverse of throughput: 0.8 of the throughput is 1.25 times the time. */
const DOWNLOAD_BAR = 1.25;

export async function run(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  const workspace = join(directory, "work");
  mkdirSync(workspace);
  const within = (grants: readonly string[]): string[] => [
    process.execPath,
    join(root, "bin", "sallyport"),
    ...["run", "--state", join(directory, "state"), "--read", join(root, "bench"), ...grants, "--"],
  ];
  try {
    return [
      ...(await connects(directory, workspace, within)),
      ...(await downloads("loopback", "127.0.0.1", [], directory, workspace, within)),
      ...(await behindCable(directory, workspace, within)),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

type Within = (grants: readonly string[]) => string[];

async function connects(directory: string, workspace: string, within: Within): Promise<Row[]> {
  const path = join(directory, "echo");
  const peer = await startPeer(1, path);
  const client = (to: string) => [join(root, "bench/floors/bin/connect"), to, String(CONNECTIONS)];
  const sallyport = within(["--net-allow", `localhost:${peer.echo}`, "--socket", path]);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    plain: numbersOf(client(peer.echo), workspace),
    brokered: numbersOf([...sallyport, ...client(peer.echo)], workspace),
    plainUnix: numbersOf(client(path), workspace),
    brokeredUnix: numbersOf([...sallyport, ...client(path)], workspace),
  }));
  peer.close();
  const row = (name: string, value: "brokered" | "brokeredUnix", floor: "plain" | "plainUnix", at: number) =>
    compare(
      `network: ${name}`,
      "ns",
      rounds.map((round) => ({ value: round[value][at] ?? 0, floor: round[floor][at] ?? 0 })),
      2.5,
    );
  return [
    row("connect(2) to a granted host", "brokered", "plain", 0),
    row("connect, a byte there and back, close", "brokered", "plain", 1),
    row("connect(2) to a granted Unix socket", "brokeredUnix", "plainUnix", 0),
    row("the same, a byte there and back, close", "brokeredUnix", "plainUnix", 1),
  ];
}

async function downloads(
  where: string,
  address: string,
  enter: readonly string[],
  directory: string,
  workspace: string,
  within: Within,
): Promise<Row[]> {
  const peer = await startPeer(MEBIBYTES, join(directory, `echo-${enter.length}`), enter);
  const url = `http://${address}:${peer.download}/`;
  const sallyport = within(["--net-allow", `${address}:${peer.download}`]);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    direct: numbersOf(curl(url, "--noproxy", "*"), workspace)[0] ?? 0,
    transparent: numbersOf([...sallyport, ...curl(url, "--noproxy", "*")], workspace)[0] ?? 0,
    proxied: numbersOf([...sallyport, ...curl(url, "--noproxy", "")], workspace)[0] ?? 0,
  }));
  peer.close();
  const row = (how: string, key: "transparent" | "proxied") =>
    compare(
      `network: download ${how}, ${where}`,
      "s",
      rounds.map((round) => ({ value: round[key], floor: round.direct })),
      DOWNLOAD_BAR,
    );
  return [row("without a proxy", "transparent"), row("through the HTTP proxy", "proxied")];
}

async function behindCable(directory: string, workspace: string, within: Within): Promise<Row[]> {
  const host = await otherHost();
  if (host === null) {
    console.error("network: downloads over a cable skipped: needs root, unshare(1), ip(8) and tc(8)");
    return [];
  }
  try {
    return await downloads("5 Gbit/s", host.address, host.enter, directory, workspace, within);
  } finally {
    host.close();
  }
}
