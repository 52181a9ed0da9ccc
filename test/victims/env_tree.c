// Moves the directory that holds a secret to where the secret's name is another. env_tree DIRECTORY SECRET
#include "victim.h"

int main(int argc, char** argv) {
  const char* directory = argument(argc, argv, 1);
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", directory, argument(argc, argv, 2));
  attempt("read", open(path, O_RDONLY));
  rename(directory, "elsewhere");
  snprintf(path, sizeof path, "elsewhere/%s", argv[2]);
  if (access(path, F_OK) == 0) attempt("read after the move", open(path, O_RDONLY));
  verdict();
}
