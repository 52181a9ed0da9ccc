/** Bounds on tokens. All are checked before anything is parsed; above one of them is a refusal. */

/** One token of a chain (MAX_TOKEN_SIZE of draft-niyikiza-oauth-attenuating-agent-tokens-01, section 4.3). */
export const MAX_TOKEN_BYTES = 65_536;
/** All tokens of a chain (MAX_STACK_SIZE). */
export const MAX_CHAIN_BYTES = 262_144;
/** A chain is a root and at most this many derived tokens. */
export const MAX_DEPTH = 8;
/** How far ahead another clock may be. */
export const MAX_SKEW_MS = 30_000;
/** From issue to end. */
export const MAX_LIFETIME_MS: number = 90 * 24 * 3_600_000;
/** What is left to a token that whoever has it may use: one without a holder's key and without a run. */
export const MAX_BEARER_MS = 300_000;
/** How old a proof of possession may be. */
export const MAX_PROOF_AGE_MS = 30_000;
/** Actions of one capability. */
export const MAX_ACTIONS = 64;
/** Types of one action. */
export const MAX_MIME_TYPES = 32;
/** Of a Biscuit, with the authority: their revocation ids are kept in one record. */
export const MAX_BISCUIT_BLOCKS = 16;
/** Objects and arrays inside of each other. */
export const MAX_JSON_DEPTH = 12;
