// The numbers and words of the wire, as in src/protocol/wire.ts. A list only ever grows at its end.
#pragma once

#include <stddef.h>

/// Operations by their numbers.
typedef enum spi_op {
  SPI_OPEN = 1,
  SPI_STAT,
  SPI_LIST,
  SPI_MKDIR,
  SPI_MKNOD,
  SPI_UNLINK,
  SPI_RENAME,
  SPI_LINK,
  SPI_SYMLINK,
  SPI_CHMOD,
  SPI_CHOWN,
  SPI_UTIMENS,
  SPI_TRUNCATE,
  SPI_SETXATTR,
  SPI_REMOVEXATTR,
  SPI_EXEC,
  SPI_BEGIN,
  SPI_COMMIT,
  SPI_DISCARD,
  SPI_CONNECT,
  SPI_BIND,
  SPI_RESOLVE,
  SPI_KILL,
  SPI_CHALLENGE,
  SPI_PRESENT,
  SPI_READ_CELLS,
  SPI_WRITE_CELLS,
} spi_op;

/// What an operation is on the wire: its fields, a letter each, and what a success brings.
///   p path   s text   i integer   b binary   t time   a texts   n integers   c cells
///   h integer that is left out below 0
/// An operation is added by a number above, a line in the table, and its function in a file of its own.
typedef struct spi_op_row {
  const char* name;
  const char* fields;
  /// First entry of the value; -1 for nil.
  int value;
  /// Whether a descriptor travels beside the answer.
  int has_descriptor;
} spi_op_row;

enum {
  SPI_VALUE_NONE = -1,
  SPI_VALUE_STAT = 0,
  SPI_VALUE_NAMES = 1,
  SPI_VALUE_PID = 2,
  SPI_VALUE_TRANSACTION = 3,
  SPI_VALUE_CHALLENGE = 4,
  SPI_VALUE_HANDLE = 5,
  SPI_VALUE_CELLS = 6
};

const spi_op_row* spi_op_of(spi_op op);

/// What a denial counts as its operation; NULL beyond the list.
const char* spi_denied_op(size_t number);
/// The word of a denial's layer; NULL for a number that is none.
const char* spi_denial_layer(size_t number);

/// Which part of the confinement refused, as a denial counts it; NULL beyond the list.
const char* spi_denial_layer(size_t number);

/// errno's number of a name as "ENOENT" or "E123"; EPERM for one that is not known here, so that a mistake
/// refuses.
int spi_errno_number(const char* name);
/// The errno of a failure code where nothing more exact is known.
int spi_errno_of_code(int code);

enum { SPI_CODES = 12, SPI_STAT_KINDS = 6 };
