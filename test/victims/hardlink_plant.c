// Gives a file from outside a second name in the workspace. hardlink_plant OUTSIDE_FILE [READABLE_FILE]
#include "victim.h"

static void link_by_descriptor(const char* way, const char* path, int flags, const char* name) {
  int fd = open(path, flags);
  if (fd < 0) return;
  char own[64];
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  attempt(way, linkat(AT_FDCWD, own, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
  if (linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0) attempt("AT_EMPTY_PATH", 0);
  close(fd);
}

int main(int argc, char** argv) {
  const char* outside = argument(argc, argv, 1);
  attempt("link", link(outside, "hard"));
  attempt("linkat", linkat(AT_FDCWD, outside, AT_FDCWD, "hard2", 0));
  need("symlink", symlink(outside, "soft"));
  attempt("linkat through a symlink", linkat(AT_FDCWD, "soft", AT_FDCWD, "hard3", AT_SYMLINK_FOLLOW));
  link_by_descriptor("linkat of O_PATH", outside, O_PATH, "hard4");
  if (argc > 2) {
    attempt("link of a readable file", link(argv[2], "hard5"));
    link_by_descriptor("linkat of O_RDONLY", argv[2], O_RDONLY, "hard6");
  }
  verdict();
}
