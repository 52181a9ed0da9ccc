const SUBJECT = /^[\x21-\x7e]{1,128}$/;

/** 1 to 128 printable ASCII characters without space. */
export function isName(text: string): boolean {
  return SUBJECT.test(text);
}

/** Whether `subject` is `named` or lies below it: "planner" holds "planner/search". */
export function subjectHolds(named: string, subject: string): boolean {
  return subject === named || subject.startsWith(`${named}/`);
}
