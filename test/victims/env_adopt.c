// Brings the directory of a secret below one of its own making, where some rules give way. env_adopt
// DIRECTORY SECRET
#include "victim.h"

int main(int argc, char** argv) {
  const char* directory = argument(argc, argv, 1);
  const char* secret = argument(argc, argv, 2);
  char path[4096];
  need("mkdir", mkdir("own", 0755));
  if (rename(directory, "own/adopted") == 0) {
    snprintf(path, sizeof path, "own/adopted/%s", secret);
  } else {
    snprintf(path, sizeof path, "%s/%s", directory, secret);
  }
  attempt("read", open(path, O_RDONLY));
  attempt("link", link(path, "own/linked") < 0 ? -1 : open("own/linked", O_RDONLY));
  put_file("own/decoy", "decoy", 0600);
  attempt("exchange", renameat2(AT_FDCWD, path, AT_FDCWD, "own/decoy", RENAME_EXCHANGE) < 0
                          ? -1
                          : open("own/decoy", O_RDONLY));
  attempt("rename", rename(path, "own/plain") < 0 ? -1 : open("own/plain", O_RDONLY));
  // By its directory: a name that no rule knows.
  snprintf(path, sizeof path, "%s/%s", directory, secret);
  attempt("rename from its first place", rename(path, "own/plain2") < 0 ? -1 : open("own/plain2", O_RDONLY));
  odd = 0;  // ENOENT where the directory has moved, or has not.
  verdict();
}
