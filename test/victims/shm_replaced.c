// Uses a segment of shared memory that another process has made under the name of an own one. shm_replaced
// PATH
#include "victim.h"

int main(int argc, char** argv) {
  const char* path = argument(argc, argv, 1);
  char text[64] = "";
  int own = (int)need("own segment", open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  need("write", write(own, "own", 3));
  put_file("ready", "", 0644);
  for (int tries = 0; access("replaced", F_OK) < 0; tries++) {
    if (tries > 3000) finish(BROKEN, "nobody has replaced it");
    usleep(10000);
  }
  int fd = open(path, O_RDWR);
  attempt("open", fd);
  if (fd >= 0 && (read(fd, text, sizeof text - 1) < 0 || strstr(text, "neighbour") == NULL)) won = 0;
  attempt("open for reading", open(path, O_RDONLY));
  attempt("unlink", unlink(path));
  verdict();
}
