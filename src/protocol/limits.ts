/** Bounds on what comes over the wire. All are checked before anything is stored; above one of them is a refusal. */

/** One frame, both ways. A SOCK_SEQPACKET message that is longer is cut by the kernel, so it is never read. */
export const MAX_FRAME_BYTES = 65_536;
/** PATH_MAX of linux/limits.h. */
export const MAX_PATH_BYTES = 4_096;
/** NAME_MAX and XATTR_NAME_MAX of linux/limits.h. */
export const MAX_XATTR_NAME_BYTES = 255;
/** Entries of `argv` and, each for itself, of `env`. */
export const MAX_STRINGS = 1_024;
/** Names in one reply to `list`; with short names the frame is full first. */
export const MAX_LIST_ENTRIES = 16_384;
/** Messages and reasons for people. */
export const MAX_TEXT_BYTES = 4_096;
export const MAX_NEXT_STEPS = 16;
export const MAX_ALLOWED_ROOTS = 16;
/** Arrays inside arrays. A failed reply with its denial and next steps is the deepest message: 3. */
export const MAX_DEPTH = 4;
/** Any single array: `id`, status and the list have their own, smaller bounds in parse.ts. */
export const MAX_ARRAY_ENTRIES: number = MAX_LIST_ENTRIES;
export const MAX_ID = 0xffff_ffff;
export const MAX_MODE = 0o7777;
/** uid_t and gid_t are 32 bits and (uid_t)-1 means "leave it" to chown(2), so it is no id. */
export const MAX_UID = 0xffff_fffe;
/** A name of RFC 1035; the text of an address is shorter. */
export const MAX_HOST_BYTES = 253;
export const MAX_PORT = 65_535;
/** PID_MAX_LIMIT of linux/threads.h. */
export const MAX_PID = 4_194_304;
/** _NSIG of asm/signal.h. */
export const MAX_SIGNAL = 64;
