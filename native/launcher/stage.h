#pragma once

namespace launcher {

// The other use of this program: `stage WORKSPACE STAGE LABEL INDEX PROGRAM ARGV...`. In a mount namespace of
// its own (and, without CAP_SYS_ADMIN, a user namespace in which every id is what it was) an overlay of
// STAGE/upper and STAGE/work is mounted over WORKSPACE under the name LABEL; then PROGRAM is executed in
// WORKSPACE with ARGV, to whose element INDEX is added "done", or the call that failed and its errno as
// "unshare:1". It is executed in both cases: it knows better how to tell the person. Needs to be
// single-threaded. Returns an exit code when nothing could be executed.
[[nodiscard]] int enter_stage(int count, char** arguments);

}  // namespace launcher
