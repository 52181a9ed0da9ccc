// Reads a secret inside the workspace by every name it can be given. env_file NAME
#include <sys/uio.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  char path[4096];
  attempt("read", open(name, O_RDONLY));
  attempt("read and write", open(name, O_RDWR));
  snprintf(path, sizeof path, "./deep/..//%s", name);
  mkdir("deep", 0700);
  attempt("another spelling", open(path, O_RDONLY));
  snprintf(path, sizeof path, "/proc/self/cwd/%s", name);
  attempt("/proc/self/cwd", open(path, O_RDONLY));
  int here = (int)need("open .", open(".", O_RDONLY | O_DIRECTORY));
  attempt("openat", openat(here, name, O_RDONLY));
  int handle = open(name, O_PATH);
  if (handle >= 0) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
    attempt("O_PATH, then /proc/self/fd", open(path, O_RDONLY));
  }
  symlink(name, "soft");
  attempt("symlink", open("soft", O_RDONLY));
  if (attempt("link", link(name, "hard"))) attempt("read of the link", open("hard", O_RDONLY));
  put_file("decoy", "decoy", 0600);
  if (attempt("exchange", renameat2(AT_FDCWD, name, AT_FDCWD, "decoy", RENAME_EXCHANGE))) {
    attempt("read of the exchanged", open("decoy", O_RDONLY));
  }
  if (attempt("rename", rename(name, "moved"))) attempt("read of the moved", open("moved", O_RDONLY));
  verdict();
}
