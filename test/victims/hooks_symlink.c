// Makes .git/hooks, or .git itself, a symbolic link to a directory that may be written.
#include "victim.h"

int main(void) {
  need("mkdir", mkdir("mine", 0755));
  put_file("mine/pre-commit", "#!/bin/sh\n", 0755);
  attempt("unlink of a sample", unlink(".git/hooks/pre-commit.sample"));
  won = 0;  // A sample may go: it does nothing.
  if (rmdir(".git/hooks") == 0)
    attempt("symlink", symlink("../mine", ".git/hooks"));
  else
    attempt("rmdir of .git/hooks", -1);
  need("symlink elsewhere", symlink("../mine", "link"));
  attempt("rename of a link", rename("link", ".git/hooks"));
  if (access("link", F_OK) == 0 || readlink("link", (char[8]){0}, 8) > 0) {
    attempt("exchange with a link", renameat2(AT_FDCWD, "link", AT_FDCWD, ".git/hooks", RENAME_EXCHANGE));
  }
  attempt("symlink in a new repository", mkdir("fresh", 0755) < 0 || mkdir("fresh/.git", 0755) < 0
                                             ? -1
                                             : symlink("../../mine", "fresh/.git/hooks"));
  attempt(".git as a link", mkdir("other", 0755) < 0 ? -1 : symlink("../mine", "other/.git"));
  odd = 0;  // ENOTEMPTY, EISDIR: the kernel's own word
  verdict();
}
