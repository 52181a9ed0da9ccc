// Waits for a secret that somebody else makes during the run, and reads it. env_late NAME READY; it touches
// READY first.
#include <poll.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  if (argc > 3) need("mkdir", mkdir(argv[3], 0755));
  put_file(argument(argc, argv, 2), "", 0600);
  for (int turn = 0; access(name, F_OK) < 0; turn++) {
    if (turn > 20000) finish(BROKEN, "%s never came", name);
    poll(NULL, 0, 1);
  }
  attempt("read", open(name, O_RDONLY));
  if (attempt("link", link(name, "late-linked"))) attempt("read of the link", open("late-linked", O_RDONLY));
  put_file("late-decoy", "decoy", 0600);
  attempt("exchange", renameat2(AT_FDCWD, name, AT_FDCWD, "late-decoy", RENAME_EXCHANGE));
  if (attempt("rename", rename(name, "late-moved")))
    attempt("read of the moved", open("late-moved", O_RDONLY));
  verdict();
}
