// Opens a port for others to come in. listen(2) binds by itself.
#include <netinet/in.h>
#include <sys/socket.h>

#include "victim.h"

int main(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) judge("socket", fd);
  judge("listen", listen(fd, 1));
}
