// An answer of the broker, read as strictly as src/protocol/parse_reply.ts reads it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shim/include/sallyport.h"

/// All texts lie in the same piece of memory: spi_reply_free() frees everything.
typedef struct spi_reply {
  uint32_t id;
  /// SP_OK, or a failure with `error` (positive), `message` and `denial`.
  sp_code code;
  int error;
  const char* message;
  const sp_denial* denial;
  /// SPI_VALUE_…, with what it brings.
  int value;
  sp_status status;
  sp_texts names;
  /// Of SPI_VALUE_PID, SPI_VALUE_TRANSACTION and SPI_VALUE_HANDLE.
  int64_t number;
  /// Nonce, channel and audience of SPI_VALUE_CHALLENGE.
  const char* challenge[3];
  sp_cells cells;
} spi_reply;

/// SP_OK; SP_PROTOCOL for bytes that are no frame; SP_INVALID for a frame that is no reply; SP_LIMIT without
/// memory.
sp_code spi_read_reply(const uint8_t* bytes, size_t size_bytes, spi_reply** reply);
void spi_reply_free(spi_reply* reply);

/// Room for a text of the hello and its end: run id and profile name are at most 255 bytes.
typedef struct spi_hello {
  char run_id[256];
  char profile_name[256];
} spi_hello;

/// SP_OK, SP_PROTOCOL (no frame, or another version) or SP_INVALID.
sp_code spi_read_hello(const uint8_t* bytes, size_t size_bytes, spi_hello* hello);
