// Tokens that a session shows to get a handle for programs with less.
#include <string.h>

#include "shim/client.h"

int sp_challenge(sp_client* client, sp_challenge_parts* challenge, sp_failure* failure) {
  spi_answer answer;
  const int wrong = spi_ask(client, SPI_CHALLENGE, NULL, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  // Each has at most 255 bytes.
  strcpy(challenge->nonce, answer.reply->challenge[0]);
  strcpy(challenge->channel, answer.reply->challenge[1]);
  strcpy(challenge->audience, answer.reply->challenge[2]);
  spi_reply_free(answer.reply);
  return 0;
}

int sp_present(sp_client* client, const char* token, const char* proof, int64_t* handle,
               sp_failure* failure) {
  const spi_field fields[] = {{.text = token}, {.text = proof == NULL ? "" : proof}};
  spi_answer answer;
  const int wrong = spi_ask(client, SPI_PRESENT, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  *handle = answer.reply->number;
  spi_reply_free(answer.reply);
  return 0;
}
