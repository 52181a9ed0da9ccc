// Plants links in the workspace that lead outside, and goes through them. symlink_plant OUTSIDE_DIRECTORY
#include "victim.h"

int main(int argc, char** argv) {
  const char* out = argument(argc, argv, 1);
  char file[4096];
  snprintf(file, sizeof file, "%s/file", out);
  need("symlink to a file", symlink(file, "to-file"));
  need("symlink to a directory", symlink(out, "to-directory"));
  need("symlink to a link", symlink("to-directory", "chain"));
  snprintf(file, sizeof file, "%s/dangling", out);
  need("dangling symlink", symlink(file, "dangling"));
  attempt("write", open("to-file", O_WRONLY));
  attempt("truncate", open("to-file", O_RDONLY | O_TRUNC));
  attempt("below", open("to-directory/file", O_WRONLY));
  attempt("below a chain", open("chain/file", O_WRONLY));
  attempt("create", open("chain/new", O_WRONLY | O_CREAT, 0600));
  attempt("create through a dangling link", open("dangling", O_WRONLY | O_CREAT, 0600));
  attempt("read", open("to-directory/secret", O_RDONLY));
  attempt("truncate(2)", truncate("to-file", 0));
  attempt("chmod", chmod("to-file", 0666));
  attempt("mkdir", mkdir("chain/new2", 0700));
  attempt("unlink", unlink("chain/victim"));
  attempt("rename", rename("chain/victim", "stolen"));
  verdict();
}
