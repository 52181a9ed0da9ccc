// Reads what a person types, from the terminal that is there for output. terminal_output
#include <poll.h>

#include "victim.h"

int main(void) {
  char text[256] = "";
  need("write", write(1, "ready\n", 6));
  struct pollfd typed = {.fd = 1, .events = POLLIN};
  if (poll(&typed, 1, 3000) < 1 || read(1, text, sizeof text - 1) < 1) finish(REFUSED, "heard nothing");
  finish(strstr(text, "password") ? SUCCEEDED : BROKEN, "heard %s", text);
}
