import { REFUSED_REQUESTS } from "./refused_requests.ts";
import { REPLY_VECTORS } from "./replies.ts";
import { REQUESTS } from "./requests.ts";
import type { Vector } from "./vector.ts";

export const VECTORS: readonly Vector[] = [...REQUESTS, ...REFUSED_REQUESTS, ...REPLY_VECTORS];

/** Where they are checked in, for whoever writes a client in another language. */
export const VECTOR_FOLDER: string = new URL("../../vectors", import.meta.url).pathname;
