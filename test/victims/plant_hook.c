// Puts a hook into a directory that git takes hooks from. plant_hook DIRECTORY; its parent is there, it may
// be missing itself.
#include "victim.h"

static const char* script = "#!/bin/sh\ntouch owned\n";

static const char* in(const char* directory, const char* name) {
  static char paths[4][4096];
  static int next;
  char* path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

int main(int argc, char** argv) {
  const char* hooks = argument(argc, argv, 1);
  int was_there = access(hooks, F_OK) == 0;
  need("mkdir", mkdir("own", 0755));
  put_file("own/pre-commit", script, 0755);
  put_file("own/second", script, 0755);
  if (!was_there) {
    if (attempt("symlink in its place", symlink("own", hooks))) verdict();
    if (attempt("rename to it", rename("own", hooks))) verdict();
    attempt("mkdir", mkdir(hooks, 0755));
    if (access(hooks, F_OK) != 0) verdict();
  } else {
    attempt("exchange", renameat2(AT_FDCWD, "own", AT_FDCWD, hooks, RENAME_EXCHANGE));
    if (access(in(hooks, "pre-commit"), F_OK) == 0) verdict();
  }
  attempt("open", open(in(hooks, "post-commit"), O_WRONLY | O_CREAT, 0755));
  attempt("rename", rename("own/pre-commit", in(hooks, "pre-commit")));
  attempt("link", link("own/second", in(hooks, "pre-push")));
  attempt("symlink", symlink("../own/second", in(hooks, "post-merge")));
  verdict();
}
