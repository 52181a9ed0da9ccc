// Plants a hook in a repository that was there before: by its name, by a sample's, by the directory.
// hooks_direct REPOSITORY
#include "victim.h"

static char paths[8][4096];
static const char* in(const char* repository, const char* name) {
  static int next;
  char* path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", repository, name);
  return path;
}

int main(int argc, char** argv) {
  const char* repository = argument(argc, argv, 1);
  attempt("create", open(in(repository, ".git/hooks/pre-commit"), O_WRONLY | O_CREAT, 0755));
  attempt("create exclusively",
          open(in(repository, ".git/hooks/post-merge"), O_WRONLY | O_CREAT | O_EXCL, 0755));
  attempt("mknod", mknod(in(repository, ".git/hooks/pre-push"), S_IFREG | 0755, 0));
  attempt("mkdir", mkdir(in(repository, ".git/hooks/post-checkout"), 0755));
  attempt("below .git of the working directory",
          chdir(in(repository, ".git/hooks")) < 0 ? -1 : open("update", O_WRONLY | O_CREAT, 0755));
  need("chdir back", chdir("../.."));
  int hooks = open(".git/hooks", O_PATH | O_DIRECTORY);
  if (hooks >= 0) attempt("openat of O_PATH", openat(hooks, "pre-commit", O_WRONLY | O_CREAT, 0755));
  attempt("sample renamed", rename(".git/hooks/pre-commit.sample", ".git/hooks/pre-commit"));
  attempt("sample linked", link(".git/hooks/pre-commit.sample", ".git/hooks/pre-commit"));
  attempt("sample beneath a suffix",
          rename(".git/hooks/pre-commit.sample", ".git/hooks/pre-commit.sample/../pre-commit"));
  odd = 0;  // ENOTDIR of the last one
  verdict();
}
