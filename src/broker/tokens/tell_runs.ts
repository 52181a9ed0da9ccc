import { SallyportError } from "../../protocol/errors.ts";
import { askRun, runsWithControl } from "../control/client.ts";

/** What a live run says to a revocation: the capabilities that it had in use and that have ended, or why it has not answered. */
export type Told = { readonly run: string } & (
  | { readonly kind: "seen"; readonly revoked: readonly string[] }
  | { readonly kind: "silent"; readonly why: string }
);

/** Has every live run of the state directory look at the list of revocations now; resolves when each has answered. */
export async function tellRuns(state: string): Promise<readonly Told[]> {
  const all = runsWithControl(state).map(async (run): Promise<Told | null> => {
    try {
      const { revoked } = (await askRun(state, run, { verb: "revocations" })) as { revoked: string[] };
      return { run, kind: "seen", revoked };
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      // A run that has ended, or was left by a killed broker, uses nothing.
      return error.code === "GONE" ? null : { run, kind: "silent", why: error.message };
    }
  });
  return (await Promise.all(all)).filter((told) => told !== null);
}
