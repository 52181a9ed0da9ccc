/** Types as "image/png", or "image/*" for all of a kind. undefined limits nothing; an empty list lets nothing through. */
type Types = readonly string[] | undefined;

/** Names of RFC 6838, in lower case. */
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/(?:\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$/;

export function isMimeType(text: string): boolean {
  return TYPE.test(text);
}

export function checkMimeType(granted: Types, type: string | undefined): boolean {
  return granted === undefined || (type !== undefined && granted.some((wide) => holds(wide, type)));
}

export function mimeTypesSubsume(parent: Types, child: Types): boolean {
  if (parent === undefined) return true;
  return child?.every((narrow) => parent.some((wide) => holds(wide, narrow))) ?? false;
}

function holds(wide: string, narrow: string): boolean {
  return wide === narrow || (wide.endsWith("/*") && narrow.startsWith(wide.slice(0, -1)));
}
