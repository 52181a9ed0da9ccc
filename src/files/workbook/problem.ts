import { SallyportError } from "../../protocol/errors.ts";

/** A workbook that can not be read or changed as asked; the message says why and what to do. Code INVALID, errno EINVAL or as given. */
export function workbookProblem(why: string, errno = "EINVAL"): SallyportError {
  return new SallyportError("INVALID", `Cannot use this workbook: ${why}`, { errno, field: "path" });
}
