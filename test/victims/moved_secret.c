// Takes what may not be read out of its place, to a place that something was moved away from. moved_secret
#include "victim.h"

int main(void) {
  char text[64] = "";
  need("rename", rename("old", "older"));
  attempt("rename of what holds it", rename(".config", "old"));
  won = 0;
  int fd = open("old/git/credentials", O_RDONLY);
  int got = fd < 0 ? -1 : (int)read(fd, text, sizeof text - 1);
  if (got < 0) errno = EACCES;
  attempt("open", got);
  verdict();
}
