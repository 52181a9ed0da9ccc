#include <stddef.h>

#include "shim/client.h"
#include "shim/path.h"

int sp_exec_with(sp_client* client, int64_t handle, const char* path, const char* const argv[],
                 const char* const env[], const char* cwd, const int* fds, size_t fd_count,
                 sp_failure* failure) {
  char absolute[SPI_PATH_ROOM], directory[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong == 0) wrong = spi_path(cwd == NULL ? "." : cwd, directory, failure);
  if (wrong != 0) return wrong;
  const spi_field fields[] = {
      {.text = absolute}, {.texts = argv}, {.texts = env}, {.text = directory}, {.integer = handle}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_EXEC, fields, fds, fd_count, &answer, failure);
  if (wrong != 0) return wrong;
  const int pid = (int)answer.reply->number;
  spi_reply_free(answer.reply);
  return pid;
}

int sp_exec(sp_client* client, const char* path, const char* const argv[], const char* const env[],
            const char* cwd, const int* fds, size_t fd_count, sp_failure* failure) {
  return sp_exec_with(client, -1, path, argv, env, cwd, fds, fd_count, failure);
}
