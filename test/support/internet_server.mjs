// Everything that listens in the test's internet: a name server, plain HTTP, TLS, and a count of what arrived.
// internet_server.mjs ZONE_JSON KEY_FILE CERT_FILE DIRECTORY; what lies in DIRECTORY is at /files/. Writes "ready", then a line for each arrival.
import { createSocket } from "node:dgram";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { join, normalize } from "node:path";

const [zone, key, cert] = [
  JSON.parse(process.argv[2]),
  readFileSync(process.argv[3]),
  readFileSync(process.argv[4]),
];
const arrived = (what) => process.stdout.write(`${what}\n`);
const once = (server, ...where) => new Promise((resolve) => server.listen(...where, resolve));
const big = Buffer.alloc(1 << 20, "x");

function serve(request, response) {
  const { localAddress, localPort } = request.socket;
  arrived(`http ${localAddress} ${localPort} ${request.headers.host} ${request.url}`);
  if (request.headers.authorization !== undefined) arrived(`authorization ${request.headers.authorization}`);
  if (request.url.startsWith("/redirect/")) {
    response.writeHead(302, { location: decodeURIComponent(request.url.slice(10)) });
    return response.end();
  }
  if (request.url.startsWith("/files/")) return file(new URL(request.url, "http://x").pathname, response);
  if (request.url === "/big") {
    for (let count = 0; count < 8; count++) response.write(big);
    return response.end();
  }
  const greet = () => response.end(`hello from ${request.headers.host}\n`);
  // Who answers what he has not read resets the connection, and the answer may be lost with it.
  if (request.method === "PUT") request.resume().on("end", greet);
  else greet();
}

function file(path, response) {
  const name = join(process.argv[5], normalize(path).slice("/files/".length));
  if (!statSync(name, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404);
    return response.end("no such file\n");
  }
  response.end(readFileSync(name));
}

function answer(message) {
  const labels = [];
  let at = 12;
  while (message[at] !== 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  const name = labels.join(".").toLowerCase();
  const type = message.readUInt16BE(at + 1);
  arrived(`dns ${name} ${type}`);
  const found = (zone[name] ?? []).filter(
    (ip) => ip.includes(":") === (type === 28) && (type === 1 || type === 28),
  );
  const header = Buffer.from(message.subarray(0, 12));
  header.writeUInt16BE(zone[name] === undefined ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found.length, 6);
  header.writeUInt32BE(0, 8);
  const records = found.map((ip) => {
    const bytes = ip.includes(":") ? ipv6(ip) : Buffer.from(ip.split(".").map(Number));
    const record = Buffer.alloc(12 + bytes.length);
    record.writeUInt16BE(0xc00c, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(5, 6);
    record.writeUInt16BE(bytes.length, 10);
    bytes.copy(record, 12);
    return record;
  });
  return Buffer.concat([header, message.subarray(12, at + 5), ...records]);
}

function ipv6(text) {
  const [head, tail = ""] = text.split("::");
  const groups = (part) => part.split(":").filter((group) => group !== "");
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array(missing).fill("0"), ...groups(tail)];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

const names = createSocket("udp4");
names.on("message", (message, { address, port }) => names.send(answer(message), port, address));
const datagrams = createSocket("udp6");
datagrams.on("message", () => arrived("udp"));
const count = createTcpServer((socket) => {
  arrived(`tcp ${socket.localAddress} ${socket.localPort}`);
  socket.on("error", () => {});
  socket.pipe(socket);
});
await Promise.all([
  once(createServer(serve), 80, "::"),
  once(createTlsServer({ key, cert }, serve), 443, "::"),
  once(count, 9999, "::"),
  new Promise((resolve) => names.bind(53, "0.0.0.0", resolve)),
  new Promise((resolve) => datagrams.bind(9998, "::", resolve)),
]);
arrived("ready");
