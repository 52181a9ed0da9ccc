#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/path.h"

static const sp_transaction kOver = {.fd = -1};

int sp_begin(sp_client* client, const char* path, mode_t mode, sp_transaction* transaction,
             sp_failure* failure) {
  *transaction = kOver;
  char absolute[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  char* kept = strdup(absolute);
  if (kept == NULL) return spi_fail(failure, SP_SYSTEM, ENOMEM, "No memory");
  const spi_field fields[] = {{.text = absolute}, {.integer = mode}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_BEGIN, fields, NULL, 0, &answer, failure);
  if (wrong != 0) {
    free(kept);
    return wrong;
  }
  *transaction = (sp_transaction){answer.fd, (uint32_t)answer.reply->number, kept};
  spi_reply_free(answer.reply);
  return 0;
}

static int end(sp_client* client, spi_op op, sp_transaction* transaction, sp_failure* failure) {
  if (transaction->path == NULL) return spi_fail(failure, SP_INVALID, EINVAL, "The transaction is over");
  if (transaction->fd >= 0) close(transaction->fd);
  transaction->fd = -1;
  const spi_field fields[] = {{.text = transaction->path}, {.integer = transaction->number}};
  const int wrong = spi_ask_plainly(client, op, fields, failure);
  if (wrong == -EBUSY) return wrong;
  free(transaction->path);
  *transaction = kOver;
  return wrong;
}

int sp_commit(sp_client* client, sp_transaction* transaction, sp_failure* failure) {
  return end(client, SPI_COMMIT, transaction, failure);
}

int sp_discard(sp_client* client, sp_transaction* transaction, sp_failure* failure) {
  return end(client, SPI_DISCARD, transaction, failure);
}
