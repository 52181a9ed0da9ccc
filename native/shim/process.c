#include "shim/client.h"

int sp_kill(sp_client* client, pid_t pid, int signal, sp_failure* failure) {
  return spi_ask_plainly(client, SPI_KILL, (spi_field[]){{.integer = pid}, {.integer = signal}}, failure);
}
