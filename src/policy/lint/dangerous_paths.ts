import type { Danger } from "./danger.ts";
import { KERNEL_AND_DEVICES } from "./dangerous_devices.ts";
import { SECRETS_AND_SOCKETS } from "./dangerous_secrets.ts";
import { RUN_BY_OTHERS } from "./dangerous_writes.ts";

/** The first that holds speaks. */
export const DANGEROUS: readonly Danger[] = [...SECRETS_AND_SOCKETS, ...RUN_BY_OTHERS, ...KERNEL_AND_DEVICES];
