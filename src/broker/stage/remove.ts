import { factsAt, namesIn } from "../../files/stage_object.ts";
import { joinPath } from "../../policy/path.ts";
import type { Asking } from "./commit.ts";

/** Removes what a commit has taken out of its place, name by name. */
export async function removeObject(path: string, asking: Asking): Promise<void> {
  const found = factsAt(path);
  if (found === null) return;
  if (found.kind !== "directory") {
    await asking.do({ op: "unlink", path, kind: "file" });
    return;
  }
  if ((found.mode & 0o700) !== 0o700) await asking.do({ op: "chmod", path, mode: 0o700, follow: "nofollow" });
  for (const name of namesIn(path)) if (name !== null) await removeObject(joinPath(path, name), asking);
  await asking.do({ op: "unlink", path, kind: "directory" });
}
