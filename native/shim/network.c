#include <stddef.h>

#include "shim/client.h"

/// Asks for a socket and gives its descriptor.
static int ask_for_socket(sp_client* client, spi_op op, const spi_field* fields, sp_failure* failure) {
  spi_answer answer;
  const int wrong = spi_ask(client, op, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  spi_reply_free(answer.reply);
  return answer.fd;
}

int sp_socket_connect(sp_client* client, const char* host, uint16_t port, sp_failure* failure) {
  return ask_for_socket(client, SPI_CONNECT, (spi_field[]){{.text = host}, {.integer = port}}, failure);
}

int sp_socket_listen(sp_client* client, uint16_t port, sp_failure* failure) {
  return ask_for_socket(client, SPI_BIND, (spi_field[]){{.integer = port}}, failure);
}

int sp_resolve(sp_client* client, const char* host, sp_names* addresses, sp_failure* failure) {
  spi_answer answer;
  const int wrong = spi_ask(client, SPI_RESOLVE, (spi_field[]){{.text = host}}, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  *addresses = (sp_names){answer.reply->names, answer.reply};
  return 0;
}
