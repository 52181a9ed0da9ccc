#include "shim/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/include/sallyport.h"

static const spi_op_row kOps[] = {
    {"open", "pii", SPI_VALUE_NONE, 1},         {"stat", "pi", SPI_VALUE_STAT, 0},
    {"list", "p", SPI_VALUE_NAMES, 0},          {"mkdir", "pi", SPI_VALUE_NONE, 0},
    {"mknod", "pii", SPI_VALUE_NONE, 0},        {"unlink", "pi", SPI_VALUE_NONE, 0},
    {"rename", "ppi", SPI_VALUE_NONE, 0},       {"link", "ppi", SPI_VALUE_NONE, 0},
    {"symlink", "sp", SPI_VALUE_NONE, 0},       {"chmod", "pii", SPI_VALUE_NONE, 0},
    {"chown", "piii", SPI_VALUE_NONE, 0},       {"utimens", "ptti", SPI_VALUE_NONE, 0},
    {"truncate", "pi", SPI_VALUE_NONE, 0},      {"setxattr", "psbii", SPI_VALUE_NONE, 0},
    {"removexattr", "psi", SPI_VALUE_NONE, 0},  {"exec", "paaph", SPI_VALUE_PID, 0},
    {"begin", "pi", SPI_VALUE_TRANSACTION, 1},  {"commit", "pi", SPI_VALUE_NONE, 0},
    {"discard", "pi", SPI_VALUE_NONE, 0},       {"connect", "si", SPI_VALUE_NONE, 1},
    {"bind", "i", SPI_VALUE_NONE, 1},           {"resolve", "s", SPI_VALUE_NAMES, 0},
    {"kill", "ii", SPI_VALUE_NONE, 0},          {"challenge", "", SPI_VALUE_CHALLENGE, 0},
    {"present", "ss", SPI_VALUE_HANDLE, 0},     {"read-cells", "psn", SPI_VALUE_CELLS, 0},
    {"write-cells", "psnc", SPI_VALUE_NONE, 0},
};
enum { kOpCount = sizeof kOps / sizeof kOps[0] };

// Operations inside the broker keep the numbers that they had before the list of requests grew.
static const char* const kInside[] = {"refused", "connect-unix", "bind-unix", "ssh-sign"};
enum { kFirstInside = 16, kInsideCount = sizeof kInside / sizeof kInside[0] };

const spi_op_row* spi_op_of(spi_op op) {
  if ((size_t)op < 1 || (size_t)op > kOpCount) abort();
  return &kOps[op - 1];
}

const char* spi_denied_op(size_t number) {
  if (number < kFirstInside) return kOps[number].name;
  if (number < kFirstInside + kInsideCount) return kInside[number - kFirstInside];
  if (number < kOpCount + kInsideCount) return kOps[number - kInsideCount].name;
  // The next one inside came when the list was as long as it is here.
  return number == kOpCount + kInsideCount ? "gpg-sign" : NULL;
}

const char* spi_denial_layer(size_t number) {
  static const char* const kLayers[] = {"profile",   "protected", "capability", "limit", "breaker",
                                        "execution", "network",   "surface",    "policy"};
  return number < sizeof kLayers / sizeof kLayers[0] ? kLayers[number] : NULL;
}

const char* sp_code_name(sp_code code) {
  static const char* const kNames[] = {"",     "DENIED",      "INVALID", "PROTOCOL",  "LIMIT",
                                       "BUSY", "UNSUPPORTED", "SETUP",   "NOT_FOUND", "TIMEOUT",
                                       "GONE", "SYSTEM",      "INTERNAL"};
  return (size_t)code <= SPI_CODES ? kNames[code] : "";
}

int spi_errno_of_code(int code) {
  static const int kErrno[] = {0,         EACCES, EINVAL,    EPROTO, EDQUOT, EAGAIN, ENOTSUP,
                               ECANCELED, ENOENT, ETIMEDOUT, EPIPE,  EIO,    EIO};
  return code >= 0 && code <= SPI_CODES ? kErrno[code] : EIO;
}

// glibc has the names of errno (strerrorname_np), but other libcs have not, and none has the way back.
#define NAMED(one) {#one, one}
static const struct {
  const char* name;
  int number;
} kErrnoNames[] = {
    NAMED(EPERM),
    NAMED(ENOENT),
    NAMED(ESRCH),
    NAMED(EINTR),
    NAMED(EIO),
    NAMED(ENXIO),
    NAMED(E2BIG),
    NAMED(ENOEXEC),
    NAMED(EBADF),
    NAMED(ECHILD),
    NAMED(EAGAIN),
    NAMED(EWOULDBLOCK),
    NAMED(ENOMEM),
    NAMED(EACCES),
    NAMED(EFAULT),
    NAMED(ENOTBLK),
    NAMED(EBUSY),
    NAMED(EEXIST),
    NAMED(EXDEV),
    NAMED(ENODEV),
    NAMED(ENOTDIR),
    NAMED(EISDIR),
    NAMED(EINVAL),
    NAMED(ENFILE),
    NAMED(EMFILE),
    NAMED(ENOTTY),
    NAMED(ETXTBSY),
    NAMED(EFBIG),
    NAMED(ENOSPC),
    NAMED(ESPIPE),
    NAMED(EROFS),
    NAMED(EMLINK),
    NAMED(EPIPE),
    NAMED(EDOM),
    NAMED(ERANGE),
    NAMED(EDEADLK),
    NAMED(ENAMETOOLONG),
    NAMED(ENOLCK),
    NAMED(ENOSYS),
    NAMED(ENOTEMPTY),
    NAMED(ELOOP),
    NAMED(ENOMSG),
    NAMED(EIDRM),
    NAMED(ENOSTR),
    NAMED(ENODATA),
    NAMED(ETIME),
    NAMED(ENOSR),
    NAMED(ENOLINK),
    NAMED(EPROTO),
    NAMED(EMULTIHOP),
    NAMED(EBADMSG),
    NAMED(EOVERFLOW),
    NAMED(EILSEQ),
    NAMED(EUSERS),
    NAMED(ENOTSOCK),
    NAMED(EDESTADDRREQ),
    NAMED(EMSGSIZE),
    NAMED(EPROTOTYPE),
    NAMED(ENOPROTOOPT),
    NAMED(EPROTONOSUPPORT),
    NAMED(ESOCKTNOSUPPORT),
    NAMED(EOPNOTSUPP),
    NAMED(ENOTSUP),
    NAMED(EPFNOSUPPORT),
    NAMED(EAFNOSUPPORT),
    NAMED(EADDRINUSE),
    NAMED(EADDRNOTAVAIL),
    NAMED(ENETDOWN),
    NAMED(ENETUNREACH),
    NAMED(ENETRESET),
    NAMED(ECONNABORTED),
    NAMED(ECONNRESET),
    NAMED(ENOBUFS),
    NAMED(EISCONN),
    NAMED(ENOTCONN),
    NAMED(ESHUTDOWN),
    NAMED(ETIMEDOUT),
    NAMED(ECONNREFUSED),
    NAMED(EHOSTDOWN),
    NAMED(EHOSTUNREACH),
    NAMED(EALREADY),
    NAMED(EINPROGRESS),
    NAMED(ESTALE),
    NAMED(EUCLEAN),
    NAMED(EREMOTEIO),
    NAMED(EDQUOT),
    NAMED(ENOMEDIUM),
    NAMED(EMEDIUMTYPE),
    NAMED(ECANCELED),
    NAMED(ENOKEY),
    NAMED(EKEYEXPIRED),
    NAMED(EKEYREVOKED),
    NAMED(EKEYREJECTED),
    NAMED(EOWNERDEAD),
    NAMED(ENOTRECOVERABLE),
    NAMED(ERFKILL),
    NAMED(EHWPOISON),
};

int spi_errno_number(const char* name) {
  for (size_t at = 0; at < sizeof kErrnoNames / sizeof kErrnoNames[0]; at++)
    if (strcmp(kErrnoNames[at].name, name) == 0) return kErrnoNames[at].number;
  if (name[0] != 'E' || name[1] < '1' || name[1] > '9') return EPERM;
  char* end = NULL;
  const long number = strtol(name + 1, &end, 10);
  return *end == 0 && number < 4096 ? (int)number : EPERM;
}
