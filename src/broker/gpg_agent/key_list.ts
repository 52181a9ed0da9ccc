/** Reads what `gpg --with-colons --with-keygrip --list-keys` prints (GnuPG, doc/DETAILS). */

export type ListedKey = {
  readonly fingerprint: string;
  readonly keygrip: string;
  /** Of the primary key that it belongs to: itself, or that of a subkey. */
  readonly primary: string;
  /** Not expired, revoked or disabled. */
  readonly isValid: boolean;
  readonly signs: boolean;
};

export function parseKeyList(text: string): readonly ListedKey[] {
  const keys: ListedKey[] = [];
  let primary = "";
  let open: { kind: string; validity: string; uses: string; fingerprint: string } | null = null;
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    const kind = fields[0]!;
    if (kind === "pub" || kind === "sub") {
      open = { kind, validity: fields[1] ?? "", uses: fields[11] ?? "", fingerprint: "" };
    } else if (kind === "fpr" && open !== null && open.fingerprint === "") {
      open.fingerprint = (fields[9] ?? "").toUpperCase();
      if (open.kind === "pub") primary = open.fingerprint;
    } else if (kind === "grp" && open !== null) {
      const { fingerprint, validity, uses } = open;
      // Capital letters are what the key as a whole can do, "D" that it is disabled.
      const isValid = !/[iderD]/.test(validity) && !uses.includes("D");
      keys.push({
        fingerprint,
        keygrip: (fields[9] ?? "").toUpperCase(),
        primary,
        isValid,
        signs: uses.includes("s"),
      });
      open = null;
    }
  }
  return keys;
}

/**
 * The key that a person means: by the fingerprint or keygrip of one that signs, or by the fingerprint of a primary key, of which gpg
 * takes the newest subkey that signs. Else what is wrong.
 */
export function signingKey(keys: readonly ListedKey[], asked: string): ListedKey | string {
  const wanted = asked.toUpperCase();
  const exact = keys.find(({ fingerprint, keygrip }) => fingerprint === wanted || keygrip === wanted);
  if (exact === undefined) return "no public key of yours has this fingerprint or keygrip";
  const good = (key: ListedKey): boolean => key.signs && key.isValid;
  const isPrimary = exact.fingerprint === exact.primary && wanted === exact.fingerprint;
  const below = keys.filter((key) => key.primary === exact.primary && key !== exact);
  const chosen = isPrimary ? (below.findLast(good) ?? exact) : exact;
  if (!chosen.signs) return "it is no key that signs";
  return chosen.isValid ? chosen : "it has expired, or was revoked or disabled";
}
