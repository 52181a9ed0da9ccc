/** Asks the policy points that an administrator or the user has set up. All must allow; who fails has denied. */
import { createHash } from "node:crypto";
import { type Occasion, type PointConfig, parsePoints } from "../../policy/points/config.ts";
import { bothOf, type PointVerdict } from "../../policy/points/verdict.ts";
import { formatProblem } from "../../policy/problem.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { TrustedDirectory } from "../layers/trusted_file.ts";
import { parseYaml } from "../yaml_text.ts";
import type { AuthzenPoint } from "./authzen.ts";
import type { OpaPolicy } from "./opa.ts";

export type IssuanceRequest = {
  readonly occasion: Occasion;
  readonly agent: string;
  /** A capability, a profile or a plan. */
  readonly resource: { readonly id: string; readonly attributes: Readonly<Record<string, unknown>> };
  readonly context: { readonly run: string; readonly uid: number; readonly nowMs: number };
};

export type Asked = PointVerdict & { readonly points: readonly string[] };

export type PolicyPoints = {
  /** "cedar issue.cedar, authzen https://…"; "" for none. */
  readonly words: string;
  decide(request: IssuanceRequest): Promise<Asked>;
};

type Point = {
  readonly name: string;
  readonly ask: readonly Occasion[];
  decide(request: IssuanceRequest): Promise<PointVerdict>;
};

const RESOURCE: Readonly<Record<Occasion, string>> = { issue: "Capability", run: "Profile", plan: "Plan" };

/** The points of /etc/sallyport/points.yaml and ~/.config/sallyport/points.yaml. Throws SETUP or INVALID: then nothing is handed out. */
export async function readPoints(
  home: string,
  uid: number,
  managed: readonly string[] = ["etc", "sallyport"],
): Promise<PolicyPoints> {
  const points = [
    ...(await pointsIn(TrustedDirectory.open("/", managed, { kind: "root" }))),
    ...(await pointsIn(TrustedDirectory.open(home, [".config", "sallyport"], { kind: "user", uid }))),
  ];
  return {
    words: points.map(({ name }) => name).join(", "),
    decide: (request) => decideIssuance(points, request),
  };
}

/** Asks one after the other, so that the first that denies spares the rest. */
export async function decideIssuance(points: readonly Point[], request: IssuanceRequest): Promise<Asked> {
  let verdict: PointVerdict = { kind: "allow", maxLifetimeSeconds: null, redact: [] };
  const asked: string[] = [];
  for (const point of points.filter(({ ask }) => ask.includes(request.occasion))) {
    asked.push(point.name);
    const one = await point.decide(request).catch(
      (error: unknown): PointVerdict => ({
        kind: "deny",
        reason: `it failed: ${String(error).slice(0, 200)}`,
      }),
    );
    verdict = bothOf(
      verdict,
      one.kind === "deny" ? { kind: "deny", reason: `${point.name}: ${one.reason}` } : one,
    );
    if (verdict.kind === "deny") break;
  }
  return { ...verdict, points: asked };
}

async function pointsIn(directory: TrustedDirectory | null): Promise<Point[]> {
  if (directory === null) return [];
  try {
    const text = directory.read("points.yaml");
    if (text === null) return [];
    const parsed = parsePoints(parseYaml(text));
    const file = `${directory.path}/points.yaml`;
    if (!parsed.ok)
      throw new SallyportError(
        "INVALID",
        `Cannot use "${file}":${parsed.problems.map((one) => `\n  ${formatProblem(one)}`).join("")}`,
      );
    const points: Point[] = [];
    for (const config of parsed.value) points.push(await pointOf(config, directory));
    return points;
  } finally {
    directory.close();
  }
}

async function pointOf(config: PointConfig, directory: TrustedDirectory): Promise<Point> {
  const need = (name: string): Buffer => {
    const bytes = directory.readBytes(name);
    if (bytes === null)
      throw new SallyportError(
        "SETUP",
        `Cannot ask a policy point: "${directory.path}/${name}" is not there`,
      );
    return bytes;
  };
  if (config.kind === "cedar")
    return cedarPoint(config, `${directory.path}/${config.policies}`, need(config.policies).toString("utf8"));
  if (config.kind === "opa") {
    const wasm = need(config.bundle);
    const digest = createHash("sha256").update(wasm).digest("hex");
    if (digest !== config.sha256)
      throw new SallyportError(
        "INVALID",
        `Cannot use "${directory.path}/${config.bundle}": its digest is ${digest}; write it as sha256 when it is the policy that you mean`,
      );
    return opaPoint(config, { ...config, wasm });
  }
  const certificates = config.certificates === null ? null : need(config.certificates).toString("utf8");
  const token = config.token === null ? null : need(config.token).toString("utf8").trim();
  return authzenPoint(config, { url: config.url, timeoutMs: config.timeoutMs, certificates, token });
}

async function cedarPoint(
  { ask, policies: name }: Extract<PointConfig, { kind: "cedar" }>,
  file: string,
  text: string,
): Promise<Point> {
  const { CedarPolicies } = await import("../cedar/engine.ts");
  const policies = CedarPolicies.parse(file, text);
  return {
    name: `cedar ${name}`,
    ask,
    async decide({ occasion, agent, resource, context }) {
      const date = new Date(context.nowMs);
      const answer = policies.ask({
        agent,
        action: occasion,
        resource: { type: RESOURCE[occasion], id: resource.id, attributes: resource.attributes },
        parents: [],
        context: {
          run: context.run,
          uid: context.uid,
          minuteOfDay: date.getUTCHours() * 60 + date.getUTCMinutes(),
          dayOfWeek: date.getUTCDay(),
        },
      });
      if (answer.kind === "allow") return { kind: "allow", maxLifetimeSeconds: null, redact: [] };
      const why =
        answer.errors[0] ??
        (answer.policies.length > 0 ? `a forbid holds (${answer.policies.join(", ")})` : "no permit holds");
      return { kind: "deny", reason: why };
    },
  };
}

function opaPoint({ ask, bundle }: Extract<PointConfig, { kind: "opa" }>, policy: OpaPolicy): Point {
  return {
    name: `opa ${bundle}`,
    ask,
    decide: async (request) => (await import("./opa.ts")).askOpa(policy, request),
  };
}

function authzenPoint({ ask }: Extract<PointConfig, { kind: "authzen" }>, point: AuthzenPoint): Point {
  return {
    name: `authzen ${new URL(point.url).host}`,
    ask,
    decide: async ({ occasion, agent, resource, context }) =>
      (await import("./authzen.ts")).askAuthzen(point, {
        subject: { type: "agent", id: agent },
        action: { name: occasion },
        resource: {
          type: RESOURCE[occasion].toLowerCase(),
          id: resource.id,
          properties: resource.attributes,
        },
        context: { run: context.run, uid: context.uid, time: new Date(context.nowMs).toISOString() },
      }),
  };
}
