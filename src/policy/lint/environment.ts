/** Variables that carry credentials or name programs, and values that are none. */
import { type Fields, isFields } from "../profile_fields.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { textsAt, valueAt } from "./values.ts";

type Meaning = readonly [
  rule: string,
  names: RegExp,
  severity: "error" | "warn",
  problem: string,
  mend: string,
];

const MEANINGS: readonly Meaning[] = [
  [
    "environment.loader",
    /^LD_(?:PRELOAD|LIBRARY_PATH|AUDIT|.*)$/,
    "warn",
    "is read by the dynamic loader of every program, which loads what it names",
    "take it out, or name one library of a directory that the run can not write",
  ],
  [
    "environment.node-options",
    /^NODE_OPTIONS$/,
    "warn",
    "makes every node load what it names",
    "take it out",
  ],
  [
    "environment.python",
    /^PYTHON(?:STARTUP|PATH|HOME|INSPECT)$/,
    "warn",
    "makes every python run what lies there",
    "take it out, or name a directory that the run can not write",
  ],
  [
    "environment.shell-start",
    /^(?:BASH_ENV|ENV|PROMPT_COMMAND|ZDOTDIR|PS4)$/,
    "warn",
    "is run by every shell that starts",
    "take it out",
  ],
  [
    "environment.git",
    /^GIT_(?:SSH_COMMAND|SSH|EXTERNAL_DIFF|PAGER|EDITOR|CONFIG.*|EXEC_PATH|ASKPASS|PROXY_COMMAND|TEMPLATE_DIR)$/,
    "warn",
    "makes git run what it names, or changes its configuration",
    "take it out",
  ],
  [
    "environment.perl-ruby",
    /^(?:PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS)$/,
    "warn",
    "makes every program of that language load what it names",
    "take it out",
  ],
  [
    "environment.ssh-agent",
    /^SSH_(?:AUTH_SOCK|AGENT_PID)$/,
    "error",
    "leads to your ssh-agent, which a run does not reach by it",
    "grant single keys with sshKeys, or --ssh-sign FINGERPRINT",
  ],
  [
    "environment.bus",
    /^DBUS_(?:SESSION|SYSTEM)_BUS_ADDRESS$/,
    "warn",
    "leads to a bus whose socket is denied",
    "take it out",
  ],
  [
    "environment.display",
    /^(?:DISPLAY|WAYLAND_DISPLAY|XAUTHORITY)$/,
    "warn",
    "leads to a display whose socket is denied",
    "use a headless mode",
  ],
  [
    "environment.docker",
    /^(?:DOCKER_HOST|CONTAINER_HOST|CONTAINERD_ADDRESS)$/,
    "warn",
    "leads to a daemon whose socket is denied",
    "start the container yourself",
  ],
  [
    "environment.proxy",
    /^(?:https?_proxy|all_proxy|no_proxy|HTTPS?_PROXY|ALL_PROXY|NO_PROXY)$/,
    "warn",
    "is set by the broker, to its own proxy",
    "take it out: hosts are granted with network.allow",
  ],
  [
    "environment.cloud",
    /^(?:AWS|AZURE|GOOGLE|GCP|GCLOUD|ALIBABA|OCI)_/,
    "warn",
    "may carry credentials of a cloud",
    "name the harmless ones, such as AWS_REGION, and add secrets with --credential",
  ],
  [
    "environment.token",
    /(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_?KEY|CREDENTIALS?|ACCESS_?KEY)(?:_ID)?$/,
    "warn",
    "is a credential by its name, which every program of the run reads",
    "leave it outside: --credential adds it to the requests that need it",
  ],
  [
    "environment.database",
    /^(?:DATABASE_URL|PGPASSWORD|MYSQL_PWD|REDIS_URL|MONGO(?:DB)?_UR[IL])$/,
    "warn",
    "carries the password of a database",
    "hand out an account of its own that may only do what the run is for",
  ],
];
const BROKER_SETS = ["HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "SALLYPORT_FD"];
const HARMLESS = /^(?:AWS_(?:DEFAULT_)?REGION|AWS_PROFILE|GOOGLE_CLOUD_PROJECT|AZURE_LOCATION)$/;

export const SECRET_VALUES: readonly (readonly [rule: string, form: RegExp, what: string])[] = [
  ["secret.private-key", /-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  ["secret.aws-key", /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/, "an access key of AWS"],
  [
    "secret.github-token",
    /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})/,
    "a token of GitHub",
  ],
  ["secret.gitlab-token", /\bglpat-[A-Za-z0-9_-]{20,}/, "a token of GitLab"],
  ["secret.slack-token", /\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a token of Slack"],
  ["secret.model-key", /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}/, "a key of a model's provider"],
  ["secret.npm-token", /\bnpm_[A-Za-z0-9]{36}\b/, "a token of npm"],
  ["secret.google-key", /\bAIza[0-9A-Za-z_-]{35}\b/, "an API key of Google"],
  ["secret.stripe-key", /\b[rs]k_live_[0-9A-Za-z]{20,}/, "a live key of Stripe"],
  [
    "secret.signed-token",
    /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+/,
    "a signed token (JWT)",
  ],
  ["secret.url-password", /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s:/@]+@/i, "an address with a password"],
];

export function lintEnvironment(value: Fields, found: Findings): void {
  for (const { text, at } of textsAt(value, "environment", "allow")) lintAllowed(text, at, found);
  const set = valueAt(value, ["environment", "set"]);
  if (Array.isArray(set))
    found.error(
      "environment.set-list",
      ["environment", "set"],
      "is a list, as Compose has it",
      "write set: { NAME: value }",
    );
  else if (isFields(set))
    for (const [name, one] of Object.entries(set)) lintSet(name, one, ["environment", "set", name], found);
  lintSecrets(value, [], found);
}

function lintAllowed(name: string, at: Path, found: Findings): void {
  if (name === "*")
    found.error(
      "environment.all",
      at,
      "would pass every variable, with every credential in them",
      "name the variables",
    );
  else if (name.includes("="))
    found.error(
      "environment.assignment",
      at,
      `"${name.split("=")[0]}=…" sets a value`,
      "write the name here, and values under set",
    );
  else if (name.startsWith("$"))
    found.error(
      "environment.dollar",
      at,
      `"${name}" has a dollar sign`,
      `write ${name.replace(/^\$\{?|\}$/g, "")}`,
    );
  else if (name.startsWith("!") || name.startsWith("-"))
    found.error(
      "environment.negation",
      at,
      `"${name}": what is not named does not pass, so that nothing is to be taken out`,
      "take the entry out",
    );
  else if (/^\*.|.\*./.test(name))
    found.error(
      "environment.wildcard",
      at,
      `"${name}" has a wildcard elsewhere than at its end`,
      "write PREFIX_*, or the names",
    );
  else if (name.includes("?"))
    found.error(
      "environment.question-mark",
      at,
      `"${name}" has a question mark`,
      "write the names, or PREFIX_*",
    );
  else lintMeaning(name.replace(/\*$/, ""), name, at, found);
}

function lintMeaning(name: string, shown: string, at: Path, found: Findings): void {
  if (HARMLESS.test(name)) return;
  const meaning = MEANINGS.find(([, names]) => names.test(name));
  if (meaning !== undefined) found[meaning[2]](meaning[0], at, `"${shown}" ${meaning[3]}`, meaning[4]);
}

function lintSet(name: string, value: unknown, at: Path, found: Findings): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    found.error(
      "environment.name",
      at,
      `"${name}" is no name of a variable`,
      "write letters, digits and _",
      "key",
    );
  if (value === null) found.error("environment.null", at, "has no value", 'write "" for an empty one', "key");
  else if (typeof value === "number")
    found.error("environment.number", at, `is the number ${value}`, `write "${value}": variables are texts`);
  else if (typeof value === "boolean")
    found.error("environment.boolean", at, `is ${value}`, `write "${value}" or "1": variables are texts`);
  else if (typeof value !== "string")
    found.error("environment.structure", at, `is ${show(value)}`, "write a text");
  else lintSetText(name, value, at, found);
}

function lintSetText(name: string, value: string, at: Path, found: Findings): void {
  if (BROKER_SETS.includes(name) && value !== "${tmp}")
    found.error(
      "environment.broker-sets",
      at,
      `"${name}" is set by the broker, whatever is written here`,
      "take it out",
      "key",
    );
  else if (name === "PATH") lintPath(value, at, found);
  else if (/\$[A-Z_]+\b|\$\{[A-Z_]+\}/.test(value))
    found.error(
      "environment.not-expanded",
      at,
      `${show(value)} has a variable of the environment, which nobody fills in`,
      "write the value, or ${workspace}, ${home} or ${tmp}",
    );
  else if (/\$\{(?!workspace\}|home\}|tmp\}|state\})[a-z]+\}/.test(value))
    found.error(
      "environment.unknown-variable",
      at,
      `${show(value)} has a variable that does not exist`,
      "write ${workspace}, ${home} or ${tmp}",
    );
  else if (/^~/.test(value))
    found.error(
      "environment.tilde",
      at,
      `${show(value)} starts with ~, which only a shell would replace`,
      `write \${home}${value.slice(1)}`,
    );
  else if (value.includes("${state}"))
    found.warn(
      "environment.state",
      at,
      "leads to the state of Sallyport, which is denied",
      "write another directory",
    );
  else lintMeaning(name, name, at, found);
}

function lintPath(value: string, at: Path, found: Findings): void {
  const entries = value.split(":");
  if (/\$PATH\b|\$\{PATH\}/.test(value))
    found.error(
      "environment.path-variable",
      at,
      "has $PATH in it, which nobody fills in",
      "write the directories",
    );
  else if (entries.some((entry) => entry === "" || entry === "."))
    found.error(
      "environment.path-here",
      at,
      "has an empty entry or ., so that programs are looked for wherever the program stands",
      "take it out",
    );
  else if (entries.some((entry) => !/^[/$~]/.test(entry)))
    found.error("environment.path-relative", at, "has a relative directory", "write whole paths");
  else if (
    entries
      .slice(0, -1)
      .some((entry) => /^(?:\/tmp|\/var\/tmp|\/dev\/shm|\$\{tmp\}|\$\{workspace\})/.test(entry))
  )
    found.warn(
      "environment.path-writable",
      at,
      "looks first in a directory that the run can write, so that it decides what git or ls is",
      "put system directories in front",
    );
}

function lintSecrets(value: unknown, at: Path, found: Findings): void {
  if (typeof value === "string") {
    const secret = SECRET_VALUES.find(([, form]) => form.test(value));
    if (secret !== undefined)
      found.error(
        secret[0],
        at,
        `holds ${secret[2]}`,
        "take it out and replace it: a profile is read by many; add it on the way with --credential",
      );
  } else if (Array.isArray(value))
    for (const [index, one] of value.entries()) lintSecrets(one, [...at, index], found);
  else if (isFields(value))
    for (const [key, one] of Object.entries(value)) lintSecrets(one, [...at, key], found);
}
