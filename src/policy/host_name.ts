const MAX_NAME = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
// "127.1", "0x7f000001", "2130706433": resolvers take such names for addresses (WHATWG URL, "ends in a number").
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;

/**
 * The one form of a host name: lower case, without the final dot. null for what is none: other characters (NUL too), empty
 * or long labels, and names that some resolver would read as an address.
 */
export function hostName(text: string): string | null {
  const name = (text.endsWith(".") ? text.slice(0, -1) : text).toLowerCase();
  if (name.length === 0 || name.length > MAX_NAME) return null;
  const labels = name.split(".");
  if (!labels.every((label) => LABEL.test(label))) return null;
  return NUMBER.test(labels.at(-1)!) ? null : name;
}
