// Makes one file after the other, each by a path of its own, and says so when it has been told that it is
// done. effects KEEP A line "N" on the output: file-N was made, renamed to done-N and closed. KEEP files are
// kept, the rest is removed again.
#include "victim.h"

int main(int argc, char** argv) {
  int keep = atoi(argument(argc, argv, 1));
  char name[64], done[64], line[64];
  for (int number = 0;; number++) {
    snprintf(name, sizeof name, "file-%d", number);
    snprintf(done, sizeof done, "done-%d", number);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return 1;
    if (write(fd, name, strlen(name)) < 0) return 1;
    close(fd);
    if (rename(name, done) < 0) return 1;
    if (number >= keep && unlink(done) < 0) return 1;
    int length = snprintf(line, sizeof line, "%d\n", number);
    if (write(1, line, (size_t)length) < 0) return 1;
  }
}
