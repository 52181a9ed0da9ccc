#include "plan/launcher_message.h"

namespace plan {

const char* stage_name(Stage stage) {
  switch (stage) {
    case Stage::launcher:
      return "launcher";
    case Stage::network:
      return "network";
    case Stage::session:
      return "session";
    case Stage::terminal:
      return "terminal";
    case Stage::stdio:
      return "stdio";
    case Stage::rlimits:
      return "rlimits";
    case Stage::affinity:
      return "affinity";
    case Stage::user:
      return "user";
    case Stage::capabilities:
      return "capabilities";
    case Stage::directory:
      return "directory";
    case Stage::no_new_privs:
      return "no-new-privs";
    case Stage::landlock:
      return "landlock";
    case Stage::seccomp_stub:
      return "seccomp-stub";
    case Stage::seccomp:
      return "seccomp";
    case Stage::listener:
      return "listener";
    case Stage::exec:
      return "exec";
  }
  return "launcher";
}

}  // namespace plan
