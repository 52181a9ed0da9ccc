#include "shim/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/include/sallyport.h"

static const spi_op_row kOps[] = {
    {"open", "pii", SPI_VALUE_NONE, 1},        {"stat", "pi", SPI_VALUE_STAT, 0},
    {"list", "p", SPI_VALUE_NAMES, 0},         {"mkdir", "pi", SPI_VALUE_NONE, 0},
    {"mknod", "pii", SPI_VALUE_NONE, 0},       {"unlink", "pi", SPI_VALUE_NONE, 0},
    {"rename", "ppi", SPI_VALUE_NONE, 0},      {"link", "ppi", SPI_VALUE_NONE, 0},
    {"symlink", "sp", SPI_VALUE_NONE, 0},      {"chmod", "pii", SPI_VALUE_NONE, 0},
    {"chown", "piii", SPI_VALUE_NONE, 0},      {"utimens", "ptti", SPI_VALUE_NONE, 0},
    {"truncate", "pi", SPI_VALUE_NONE, 0},     {"setxattr", "psbii", SPI_VALUE_NONE, 0},
    {"removexattr", "psi", SPI_VALUE_NONE, 0}, {"exec", "paap", SPI_VALUE_PID, 0},
    {"begin", "pi", SPI_VALUE_TRANSACTION, 1}, {"commit", "pi", SPI_VALUE_NONE, 0},
    {"discard", "pi", SPI_VALUE_NONE, 0},      {"connect", "si", SPI_VALUE_NONE, 1},
    {"bind", "i", SPI_VALUE_NONE, 1},          {"resolve", "s", SPI_VALUE_NAMES, 0},
    {"kill", "ii", SPI_VALUE_NONE, 0},
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
  return number < kOpCount + kInsideCount ? kOps[number - kInsideCount].name : NULL;
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
#define SPI_ERRNO_NAMES(X)                                                                                   \
  X(EPERM)                                                                                                   \
  X(ENOENT)                                                                                                  \
  X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EBADF) X(ECHILD) X(EAGAIN) X(EWOULDBLOCK)          \
      X(ENOMEM) X(EACCES) X(EFAULT) X(ENOTBLK) X(EBUSY) X(EEXIST) X(EXDEV) X(ENODEV) X(ENOTDIR) X(EISDIR)    \
          X(EINVAL) X(ENFILE) X(EMFILE) X(ENOTTY) X(ETXTBSY) X(EFBIG) X(ENOSPC) X(ESPIPE) X(EROFS) X(EMLINK) \
              X(EPIPE) X(EDOM) X(ERANGE) X(EDEADLK) X(ENAMETOOLONG) X(ENOLCK) X(ENOSYS) X(ENOTEMPTY)         \
                  X(ELOOP) X(ENOMSG) X(EIDRM) X(ENOSTR) X(ENODATA) X(ETIME) X(ENOSR) X(ENOLINK) X(EPROTO)    \
                      X(EMULTIHOP) X(EBADMSG) X(EOVERFLOW) X(EILSEQ) X(EUSERS) X(ENOTSOCK) X(EDESTADDRREQ)   \
                          X(EMSGSIZE) X(EPROTOTYPE) X(ENOPROTOOPT) X(EPROTONOSUPPORT) X(ESOCKTNOSUPPORT)     \
                              X(EOPNOTSUPP) X(ENOTSUP) X(EPFNOSUPPORT) X(EAFNOSUPPORT) X(EADDRINUSE)         \
                                  X(EADDRNOTAVAIL) X(ENETDOWN) X(ENETUNREACH) X(ENETRESET) X(ECONNABORTED)   \
                                      X(ECONNRESET) X(ENOBUFS) X(EISCONN) X(ENOTCONN) X(ESHUTDOWN)           \
                                          X(ETIMEDOUT) X(ECONNREFUSED) X(EHOSTDOWN) X(EHOSTUNREACH)          \
                                              X(EALREADY) X(EINPROGRESS) X(ESTALE) X(EUCLEAN) X(EREMOTEIO)   \
                                                  X(EDQUOT) X(ENOMEDIUM) X(EMEDIUMTYPE) X(ECANCELED)         \
                                                      X(ENOKEY) X(EKEYEXPIRED) X(EKEYREVOKED)                \
                                                          X(EKEYREJECTED) X(EOWNERDEAD) X(ENOTRECOVERABLE)   \
                                                              X(ERFKILL) X(EHWPOISON)

int spi_errno_number(const char* name) {
  static const struct {
    const char* name;
    int number;
  } kNames[] = {
#define X(one) {#one, one},
      SPI_ERRNO_NAMES(X)
#undef X
  };
  for (size_t at = 0; at < sizeof kNames / sizeof kNames[0]; at++)
    if (strcmp(kNames[at].name, name) == 0) return kNames[at].number;
  if (name[0] != 'E' || name[1] < '1' || name[1] > '9') return EPERM;
  char* end = NULL;
  const long number = strtol(name + 1, &end, 10);
  return *end == 0 && number < 4096 ? (int)number : EPERM;
}
