/** A profile in which nothing is trapped: whoever wants more than Landlock gives asks the broker itself. */
export const KERNEL_PROFILE = `name: unmediated
version: 1
description: Nothing is trapped
extends: [":workspace"]
mediation: kernel
reads: native
unixSockets: refused
`;
