/** Hosts and ports that are none, or more than was meant. */
import { specialRange } from "../address_class.ts";
import { type IpBlock, isWithin, parseBlock } from "../ip_address.ts";
import { type NetworkGrant, parseNetworkGrant } from "../network.ts";
import type { Fields } from "../profile_fields.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { listAt, textsAt } from "./values.ts";

type Check = readonly [
  rule: string,
  when: RegExp | ((text: string) => boolean),
  problem: string,
  mend: string | ((text: string) => string),
];

const REFUSED: readonly Check[] = [
  [
    "network.userinfo",
    /^[a-z][a-z0-9+.-]*:\/\/[^/@]*:[^/@]*@/i,
    "is an address with a password in it",
    "write the host alone, and change that password: it has been written down",
  ],
  [
    "network.git-address",
    /^[\w-]+@[\w.-]+:/,
    "is an address of git over ssh",
    (text) => `write ${/@([^:]+):/.exec(text)![1]}:22`,
  ],
  [
    "network.scheme",
    /^[a-z][a-z0-9+.-]*:\/\//i,
    "has a scheme, and hosts are granted by name and port",
    (text) => `write ${hostOf(text)}`,
  ],
  [
    "network.everything",
    /^(?:\*|\*:\*|any|all|internet|0\.0\.0\.0|::)$/,
    "would be every host, which is not to be granted by name",
    "name the hosts; learn proposes them",
  ],
  ["network.port-list", /:\d+,\s*\d+/, "has a list of ports", "write an entry for each port"],
  ["network.port-span", /:\d+-\d+$/, "has a range of ports", "write an entry for each port, or :* for any"],
  ["network.port-name", /:[a-z]{2,}$/i, "names its port by a word", "write the number, such as 443"],
  [
    "network.port-range",
    (text) => {
      const port = /^[^:]+:(\d+)$/.exec(text)?.[1];
      return port !== undefined && (Number(port) > 65535 || Number(port) < 1);
    },
    "has a port outside of 1 to 65535",
    "write a port from 1 to 65535",
  ],
  [
    "network.port-empty",
    /^[^:[\]]+:$/,
    "ends with a colon and no port",
    "write the port, or take the colon out",
  ],
  [
    "network.netmask",
    /\/\d+\.\d+\.\d+\.\d+$/,
    "has a mask with dots",
    "write the length of the prefix, such as 10.1.0.0/16",
  ],
  [
    "network.host-bits",
    (text) => /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text) && parseBlock(text.split("/")[0]!) !== null,
    "has bits set behind its prefix",
    "write the first address of the block",
  ],
  [
    "network.address-range",
    /^\d+\.\d+\.\d+\.\d+-/,
    "is a span of addresses",
    "write it as blocks with a prefix",
  ],
  [
    "network.leading-zero",
    (text) => /^[\d.]+$/.test(text) && /(?:^|\.)0\d/.test(text),
    "has a number with a zero in front, which some programs read as octal",
    "write the number without the zero",
  ],
  [
    "network.short-address",
    /^(?:\d+\.){0,2}\d+$|^0x[0-9a-f]+$/i,
    "is a short form of an address, which programs read in different ways",
    "write all four numbers",
  ],
  [
    "network.octet",
    /^\d+\.\d+\.\d+\.\d+(?:\/\d+)?(?::\d+)?$/,
    "is no address: a number is above 255, or the prefix above 32",
    "correct it",
  ],
  [
    "network.brackets",
    (text) =>
      text.split(":").length > 3 &&
      !text.startsWith("[") &&
      parseBlock(text) === null &&
      /:\d{3,5}$/.test(text),
    "is an IPv6 address with a port and no brackets",
    (text) => `write [${text.replace(/:(\d+)$/, "")}]:${/:(\d+)$/.exec(text)![1]}`,
  ],
  [
    "network.path",
    /^[^/]+\/(?!\d+(?::|$))/,
    "has a path, and hosts are granted whole",
    (text) => `write ${text.split("/")[0]}; what is asked there is not limited by it`,
  ],
  [
    "network.wildcard-inside",
    /^[^*]+\*|\*[^.:]+$/,
    "has a wildcard elsewhere than in front",
    "write *.DOMAIN, or an entry for each host",
  ],
  ["network.spaces", /\s/, "has a space in it", "write an entry for each host"],
  [
    "network.look-alike",
    (text) => /\p{Script=Latin}/u.test(text) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(text),
    "mixes Latin letters with look-alikes of another script",
    "type the name anew",
  ],
  [
    "network.letters",
    /[^\x00-\x7f]/,
    "has letters that are not ASCII",
    "write the name as the DNS has it, with xn--",
  ],
  ["network.empty-label", /\.\.|^\./, "has an empty part between dots", "take the dot out"],
  [
    "network.long-label",
    (text) => text.split(".").some((label) => label.length > 63),
    "has a part of more than 63 characters",
    "correct the name",
  ],
];

/** Names under which anybody can have one. */
const SHARED = new Set([
  "github.io",
  "gitlab.io",
  "amazonaws.com",
  "cloudfront.net",
  "azurewebsites.net",
  "blob.core.windows.net",
  "herokuapp.com",
  "netlify.app",
  "vercel.app",
  "pages.dev",
  "workers.dev",
  "web.app",
  "firebaseapp.com",
  "appspot.com",
  "run.app",
  "googleusercontent.com",
  "storage.googleapis.com",
  "s3.amazonaws.com",
  "fly.dev",
  "onrender.com",
  "blogspot.com",
]);
const SECOND_LEVEL = new Set(["co", "com", "org", "net", "gov", "ac", "edu", "gob", "ne", "or"]);
const DROPS = new Set([
  "webhook.site",
  "requestbin.com",
  "pipedream.net",
  "ngrok.io",
  "ngrok.app",
  "ngrok-free.app",
  "trycloudflare.com",
  "loca.lt",
  "serveo.net",
  "transfer.sh",
  "file.io",
  "0x0.st",
  "pastebin.com",
  "paste.ee",
  "hastebin.com",
  "ix.io",
  "termbin.com",
  "interact.sh",
  "oast.fun",
  "burpcollaborator.net",
  "gofile.io",
  "anonfiles.com",
]);

export function lintNetwork(value: Fields, found: Findings): void {
  const seen: { readonly text: string; readonly grant: NetworkGrant }[] = [];
  for (const { text, at } of textsAt(value, "network", "allow")) {
    const grant = parseNetworkGrant(text);
    if (grant === null) {
      const check = REFUSED.find(([, when]) => (typeof when === "function" ? when(text) : when.test(text)));
      if (check === undefined)
        found.error(
          "network.form",
          at,
          `${show(text)} is no host`,
          "write HOST, HOST:PORT, *.DOMAIN:PORT, an address or a CIDR",
        );
      else
        found.error(
          check[0],
          at,
          `${show(text)} ${check[2]}`,
          typeof check[3] === "function" ? check[3](text) : check[3],
        );
      continue;
    }
    lintPorts(text, grant, at, found);
    if (grant.kind === "host") lintHost(text, grant, at, found);
    else lintBlock(text, grant.block, at, found);
    const other = seen.find((one) => covers(one.grant, grant));
    if (other !== undefined && other.text !== text)
      found.warn("network.covered", at, `"${text}" is within "${other.text}"`, "take it out");
    seen.push({ text, grant });
  }
  for (const [index, one] of listAt(value, "network", "listen").entries())
    lintListen(
      one,
      ["network", "listen", index],
      seen.map(({ grant }) => grant),
      found,
    );
}

function lintPorts(text: string, { ports }: NetworkGrant, at: Path, found: Findings): void {
  if (ports === "any") found.warn("network.any-port", at, `"${text}" grants every port`, "name the port");
  else if (ports.includes(53))
    found.error(
      "network.name-server",
      at,
      `"${text}": port 53 belongs to the name server of the run`,
      "take it out: names are resolved for granted hosts",
    );
  else if (ports.length === 1 && ports.includes(80))
    found.warn(
      "network.plain-http",
      at,
      `"${text}" is read and changed by anybody on the way`,
      "grant port 443",
    );
  else if (ports.includes(25) || ports.includes(587) || ports.includes(465))
    found.warn(
      "network.mail",
      at,
      `"${text}" sends mail to anybody`,
      "let a tool outside of the run send it",
    );
  else if (ports.includes(23) || ports.includes(21))
    found.warn(
      "network.plain-login",
      at,
      `"${text}" is a protocol that sends passwords in the clear`,
      "use ssh or https",
    );
}

function lintHost(
  text: string,
  { name, below }: Extract<NetworkGrant, { kind: "host" }>,
  at: Path,
  found: Findings,
): void {
  const labels = name.split(".");
  const last = labels.at(-1)!;
  if (below && labels.length === 1)
    found.error("network.top-level", at, `"${text}" is every name of a top-level domain`, "name the domain");
  else if (below && labels.length === 2 && last.length === 2 && SECOND_LEVEL.has(labels[0]!))
    found.error(
      "network.second-level",
      at,
      `"${text}" is every name that is registered there`,
      "name the domain",
    );
  else if (below && SHARED.has(name))
    found.warn(
      "network.shared-suffix",
      at,
      `"${text}": anybody can have a name there, so that what is sent may go to anybody`,
      "name the one host",
    );
  else if (name === "metadata.google.internal" || name === "metadata.azure.com")
    found.error(
      "network.metadata-name",
      at,
      `"${text}" hands out the credentials of this machine in its cloud`,
      "take it out",
    );
  else if (name === "localhost")
    found.warn(
      "network.localhost",
      at,
      `"${text}" is every service of this machine on these ports, which trust who is local`,
      "grant 127.0.0.1 with the one port",
    );
  else if (last === "local")
    found.warn(
      "network.multicast-name",
      at,
      `"${text}" is a name of the local network (mDNS), which anybody there can answer for`,
      "grant the address",
    );
  else if (last === "onion" || last === "i2p")
    found.error("network.onion", at, `"${text}" is no name that the DNS knows`, "take it out");
  else if (labels.some((label) => label.startsWith("xn--")))
    found.warn(
      "network.punycode",
      at,
      `"${text}" is written with other letters than it looks like`,
      "check that it is the name that was meant",
    );
  else if (labels.length === 1)
    found.warn(
      "network.one-label",
      at,
      `"${text}" means another host on each network`,
      "write the whole name",
    );
  if ([...DROPS].some((drop) => name === drop || name.endsWith(`.${drop}`)))
    found.warn(
      "network.drop",
      at,
      `"${text}" takes in whatever is sent, for whoever fetches it`,
      "name the host that the program needs",
    );
  if (
    name === "example.com" ||
    name === "example.org" ||
    name === "example.net" ||
    last === "example" ||
    last === "invalid" ||
    last === "test"
  )
    found.warn("network.example", at, `"${text}" is a name for examples`, "write the host that is meant");
  if (text.endsWith(".") || /\.:/.test(text))
    found.warn("network.final-dot", at, `"${text}" ends with a dot, which is taken off`, "take it out");
}

function lintBlock(text: string, block: IpBlock, at: Path, found: Findings): void {
  const range = specialRange(block.address);
  if (block.prefix === 0)
    found.error(
      "network.all-addresses",
      at,
      `"${text}" is every address, and special ones it would not grant anyway`,
      "name the hosts",
    );
  else if (block.prefix < (block.address.length === 4 ? 8 : 16))
    found.warn(
      "network.large-block",
      at,
      `"${text}" is a large part of all addresses`,
      "name the hosts, or a smaller block",
    );
  else if (range?.what === "the metadata service of a cloud")
    found.error(
      "network.metadata",
      at,
      `"${text}" hands out the credentials of this machine in its cloud`,
      "take it out",
    );
  else if (range?.what === "a private network")
    found.warn(
      block.prefix === block.address.length * 8 ? "network.private-address" : "network.private-block",
      at,
      `"${text}" is of a private network, with routers, printers and neighbours in it`,
      block.prefix === block.address.length * 8
        ? "name the port too, if it is one service"
        : "name the one address and its port",
    );
  else if (range?.what === "link-local")
    found.error(
      "network.link-local",
      at,
      `"${text}" holds the metadata services of clouds`,
      "name the one address",
    );
  else if (range?.what === "multicast")
    found.error("network.multicast", at, `"${text}" is multicast, and there is TCP alone`, "take it out");
  else if (range?.what === "documentation")
    found.warn(
      "network.documentation-address",
      at,
      `"${text}" is an address for examples`,
      "write the address that is meant",
    );
  else if (range?.what === "unspecified" || range?.what === "this network")
    found.error(
      "network.unspecified",
      at,
      `"${text}" is no address of a host`,
      "write the address that is meant",
    );
  else if (range?.what === "this machine")
    found.warn(
      "network.loopback",
      at,
      `"${text}" is this machine, whose services trust who is local`,
      "name the one port",
    );
  else if (range === null && block.prefix === block.address.length * 8)
    found.warn(
      "network.public-address",
      at,
      `"${text}" is an address of the internet, which has another owner tomorrow`,
      "grant the name of the host",
    );
}

function lintListen(port: unknown, at: Path, grants: readonly NetworkGrant[], found: Findings): void {
  if (typeof port === "string" && /^\d+:\d+$/.test(port))
    found.error(
      "listen.mapping",
      at,
      `${show(port)} maps one port to another, as Docker does`,
      `write ${port.split(":")[1]}: inside and outside are the same`,
    );
  else if (typeof port === "string" && /^\d+\/(?:tcp|udp)$/.test(port))
    found.error(
      "listen.protocol",
      at,
      `${show(port)} names a protocol`,
      `write ${port.split("/")[0]}: there is TCP alone`,
    );
  else if (typeof port === "string" && /^[\d.]+:\d+$/.test(port))
    found.error(
      "listen.address",
      at,
      `${show(port)} names an address`,
      `write ${port.split(":").at(-1)}: it is 127.0.0.1 always`,
    );
  else if (typeof port === "string" && /^\d+$/.test(port))
    found.error("listen.text", at, `${show(port)} is a text`, `write ${port}, without quotes`);
  else if (port === 0) found.error("listen.zero", at, "is 0, which would be any port", "write the port");
  else if (typeof port !== "number" || port < 1 || port > 65535 || !Number.isInteger(port))
    found.error("listen.range", at, `${show(port)} is no port`, "write a port from 1 to 65535");
  else if (port === 53)
    found.error(
      "listen.name-server",
      at,
      "is 53, which belongs to the name server of the run",
      "write another port",
    );
  else if (grants.some(({ ports }) => ports !== "any" && ports.includes(port)))
    found.error(
      "listen.granted",
      at,
      `is ${port}, which a host is granted on too: inside, one of the two would have it`,
      "write another port",
    );
  else if (port < 1024)
    found.warn(
      "listen.low",
      at,
      `is ${port}, and ports below 1024 need root on the host`,
      "write a port from 1024",
    );
}

function covers(wide: NetworkGrant, narrow: NetworkGrant): boolean {
  if (
    wide.ports !== "any" &&
    (narrow.ports === "any" ||
      !narrow.ports.every((port) => (wide.ports as readonly number[]).includes(port)))
  )
    return false;
  if (wide.kind === "host")
    return (
      narrow.kind === "host" &&
      (wide.below ? narrow.name.endsWith(`.${wide.name}`) : !narrow.below && wide.name === narrow.name)
    );
  return narrow.kind === "block" && isWithin(narrow.block, wide.block);
}

function hostOf(text: string): string {
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text) ?? [];
  if (rest.includes(":")) return rest;
  return scheme === "http" ? `${rest}:80` : scheme === "ssh" ? `${rest}:22` : `${rest}:443`;
}
