// How a program inside a run asks its broker: a client of the wire of docs/protocol.md. Needs nothing but
// libc.
//
// Every function may be called on any thread, several at a time on one client, but not in a signal handler.
// All give a value of 0 or more, or a negative errno; `failure` may be NULL, else it says more. Calls go on
// over EINTR. Paths may be relative; they must be UTF-8. A child made by fork(2) opens a channel of its own
// at its first call; one that was made otherwise (vfork(2), clone(2)) and uses a client of its parent is
// answered with SP_GONE.
#ifndef SALLYPORT_H
#define SALLYPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SP_PUBLIC __attribute__((visibility("default")))
#else
#define SP_PUBLIC
#endif

/// The failure codes of docs/protocol.md, by their numbers.
typedef enum sp_code {
  SP_OK = 0,
  SP_DENIED = 1,
  SP_INVALID = 2,
  SP_PROTOCOL = 3,
  SP_LIMIT = 4,
  SP_BUSY = 5,
  SP_UNSUPPORTED = 6,
  SP_SETUP = 7,
  SP_NOT_FOUND = 8,
  SP_TIMEOUT = 9,
  SP_GONE = 10,
  SP_SYSTEM = 11,
  SP_INTERNAL = 12
} sp_code;

typedef struct sp_texts {
  const char* const* entries;
  size_t count;
} sp_texts;

/// Why the broker refused. `path` is text for a person: never use it as a path.
typedef struct sp_denial {
  const char* op;
  const char* path;
  /// The rule that refused, or "default-deny".
  const char* rule;
  const char* reason;
  sp_texts next_steps;
  /// Which part of the confinement refused: "profile", "protected", "limit", … What follows is not said by
  /// the first brokers: NULL, none, -1 and -1.
  const char* layer;
  /// Directories in which the same is allowed, the nearest first.
  sp_texts allowed_roots;
  /// 1: the same request may be allowed later without anything being changed, 0: not.
  int retryable;
  /// -1 also where it is not known.
  int64_t retry_after_ms;
} sp_denial;

/// What a call leaves behind. Begin with SP_FAILURE_INIT and end with sp_failure_clear(); each call empties
/// it first.
typedef struct sp_failure {
  sp_code code;
  /// Positive; what the call gave, negated.
  int error;
  const char* message;
  /// NULL where no rule refused.
  const sp_denial* denial;
  void* storage;
} sp_failure;

#define SP_FAILURE_INIT {SP_OK, 0, "", NULL, NULL}

SP_PUBLIC void sp_failure_clear(sp_failure* failure);
/// "DENIED" of SP_DENIED; "" of a number that is none.
SP_PUBLIC const char* sp_code_name(sp_code code);

/// A channel to the broker of this run.
typedef struct sp_client sp_client;

/// Opens /run/sallyport/broker; where SALLYPORT_FD names an inherited channel, asks there for one. SP_GONE
/// outside a run.
SP_PUBLIC int sp_connect(sp_client** client, sp_failure* failure);
/// No other call may be under way. NULL is nothing.
SP_PUBLIC void sp_close(sp_client* client);
/// Both are good until sp_close().
SP_PUBLIC const char* sp_run_id(const sp_client* client);
SP_PUBLIC const char* sp_profile_name(const sp_client* client);

/// Flags of sp_open(). They are not the numbers of Linux.
enum {
  SP_OPEN_READ = 1,
  SP_OPEN_WRITE = 2,
  SP_OPEN_APPEND = 4,
  SP_OPEN_CREATE = 8,
  SP_OPEN_EXCLUSIVE = 16,
  SP_OPEN_TRUNCATE = 32,
  SP_OPEN_DIRECTORY = 64,
  SP_OPEN_NOFOLLOW = 128,
  SP_OPEN_SYNC = 256,
  SP_OPEN_NONBLOCK = 512,
  SP_OPEN_TEMPORARY = 1024,
  SP_OPEN_DIRECT = 2048,
  SP_OPEN_NOATIME = 4096
};

typedef enum sp_follow { SP_FOLLOW = 0, SP_NOFOLLOW = 1 } sp_follow;
typedef enum sp_node { SP_NODE_FILE = 0, SP_NODE_FIFO = 1 } sp_node;
typedef enum sp_name { SP_NAME_FILE = 0, SP_NAME_DIRECTORY = 1 } sp_name;
typedef enum sp_existing { SP_REPLACE = 0, SP_REFUSE = 1, SP_EXCHANGE = 2 } sp_existing;
typedef enum sp_xattr_existing {
  SP_XATTR_ANY = 0,
  SP_XATTR_CREATE = 1,
  SP_XATTR_REPLACE = 2
} sp_xattr_existing;
typedef enum sp_kind {
  SP_KIND_FILE = 0,
  SP_KIND_DIRECTORY = 1,
  SP_KIND_SYMLINK = 2,
  SP_KIND_FIFO = 3,
  SP_KIND_SOCKET = 4,
  SP_KIND_DEVICE = 5
} sp_kind;

typedef struct sp_status {
  sp_kind kind;
  /// With the bits of the file type.
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
  int64_t size_bytes;
  uint32_t link_count;
  /// These three inform; they are as exact as a double is.
  double modified_ms;
  double inode;
  double device;
} sp_status;

/// Names in a directory; sp_names_clear() frees them.
typedef struct sp_names {
  sp_texts names;
  void* storage;
} sp_names;

#define SP_NAMES_INIT {{NULL, 0}, NULL}

SP_PUBLIC void sp_names_clear(sp_names* names);

/// Gives a descriptor, close-on-exec. `mode` counts where a file is made, before the umask.
SP_PUBLIC int sp_open(sp_client* client, const char* path, uint32_t flags, mode_t mode, sp_failure* failure);
/// The same with the flags of open(2). -EINVAL for one that the wire can not say.
SP_PUBLIC int sp_open_linux(sp_client* client, const char* path, int flags, mode_t mode, sp_failure* failure);
SP_PUBLIC int sp_stat(sp_client* client, const char* path, sp_follow follow, sp_status* status,
                      sp_failure* failure);
SP_PUBLIC int sp_list(sp_client* client, const char* path, sp_names* names, sp_failure* failure);
SP_PUBLIC int sp_mkdir(sp_client* client, const char* path, mode_t mode, sp_failure* failure);
SP_PUBLIC int sp_mknod(sp_client* client, const char* path, sp_node node, mode_t mode, sp_failure* failure);
SP_PUBLIC int sp_unlink(sp_client* client, const char* path, sp_name name, sp_failure* failure);
SP_PUBLIC int sp_rename(sp_client* client, const char* from, const char* to, sp_existing existing,
                        sp_failure* failure);
SP_PUBLIC int sp_link(sp_client* client, const char* from, const char* to, sp_follow follow,
                      sp_failure* failure);
/// `target` is stored as it is.
SP_PUBLIC int sp_symlink(sp_client* client, const char* target, const char* path, sp_failure* failure);
SP_PUBLIC int sp_chmod(sp_client* client, const char* path, mode_t mode, sp_follow follow,
                       sp_failure* failure);
/// (uid_t)-1 and (gid_t)-1 leave the id as it is.
SP_PUBLIC int sp_chown(sp_client* client, const char* path, uid_t uid, gid_t gid, sp_follow follow,
                       sp_failure* failure);
/// `times` as in utimensat(2), with UTIME_NOW and UTIME_OMIT; NULL is now.
SP_PUBLIC int sp_utimens(sp_client* client, const char* path, const struct timespec times[2],
                         sp_follow follow, sp_failure* failure);
SP_PUBLIC int sp_truncate(sp_client* client, const char* path, int64_t size_bytes, sp_failure* failure);
SP_PUBLIC int sp_setxattr(sp_client* client, const char* path, const char* name, const void* value,
                          size_t value_bytes, sp_xattr_existing existing, sp_follow follow,
                          sp_failure* failure);
SP_PUBLIC int sp_removexattr(sp_client* client, const char* path, const char* name, sp_follow follow,
                             sp_failure* failure);

/// Starts a program in the run and gives its pid; it is no child of the caller. `argv` and `env` end with
/// NULL. `cwd` NULL is the caller's. `fds` (0 to 3 of them) become its descriptors 0, 1 and 2; with none it
/// has the run's output and no input.
SP_PUBLIC int sp_exec(sp_client* client, const char* path, const char* const argv[], const char* const env[],
                      const char* cwd, const int* fds, size_t fd_count, sp_failure* failure);

/// What a proof of possession is to be made for.
typedef struct sp_challenge_parts {
  char nonce[256];
  char channel[256];
  char audience[256];
} sp_challenge_parts;

/// Asks for it. The proof is good once, within a minute, in this client, which must not be closed meanwhile.
SP_PUBLIC int sp_challenge(sp_client* client, sp_challenge_parts* challenge, sp_failure* failure);
/// Shows the broker a token, and with `proof` (signed by the caller for a challenge; NULL: the token has no
/// key) that it is the caller's. Gives a handle for sp_exec_with(). The token must be within what this
/// session has.
SP_PUBLIC int sp_present(sp_client* client, const char* token, const char* proof, int64_t* handle,
                         sp_failure* failure);
/// sp_exec() of a program that is launched on its own, with what the presented token grants.
SP_PUBLIC int sp_exec_with(sp_client* client, int64_t handle, const char* path, const char* const argv[],
                           const char* const env[], const char* cwd, const int* fds, size_t fd_count,
                           sp_failure* failure);

/// Cells of a sheet: columns and rows count from 0, both ends within.
typedef struct sp_cell_range {
  uint32_t from_column;
  uint32_t from_row;
  uint32_t to_column;
  uint32_t to_row;
} sp_cell_range;

typedef enum sp_cell_kind {
  SP_CELL_EMPTY = 0,
  SP_CELL_NUMBER = 1,
  SP_CELL_TEXT = 2,
  SP_CELL_BOOLEAN = 3
} sp_cell_kind;

typedef struct sp_cell {
  sp_cell_kind kind;
  union {
    double number;
    const char* text;
    int boolean;
  } value;
} sp_cell;

/// Row by row; sp_cells_clear() frees what sp_read_cells() gave.
typedef struct sp_cells {
  const sp_cell* entries;
  uint32_t columns;
  uint32_t rows;
  void* storage;
} sp_cells;

#define SP_CELLS_INIT {NULL, 0, 0, NULL}

SP_PUBLIC void sp_cells_clear(sp_cells* cells);
/// Of a formula its last result, of an error its name as "#REF!".
SP_PUBLIC int sp_read_cells(sp_client* client, const char* path, const char* sheet,
                            const sp_cell_range* range, sp_cells* cells, sp_failure* failure);
/// Puts `cells` into those from `column` and `row` on, and leaves everything else as it is. Texts stay texts.
SP_PUBLIC int sp_write_cells(sp_client* client, const char* path, const char* sheet, uint32_t column,
                             uint32_t row, const sp_cells* cells, sp_failure* failure);

/// A write of a whole file that nobody sees before it is committed. `fd` is of an empty file without a name.
typedef struct sp_transaction {
  int fd;
  uint32_t number;
  char* path;
} sp_transaction;

/// `mode` counts where nothing stands at `path` yet. What it fills is ended by sp_commit() or sp_discard().
SP_PUBLIC int sp_begin(sp_client* client, const char* path, mode_t mode, sp_transaction* transaction,
                       sp_failure* failure);
/// Closes `fd` and puts the file in its place. After -EBUSY (a copy of the descriptor or a mapping is left)
/// it may be asked again or discarded; after anything else it is over.
SP_PUBLIC int sp_commit(sp_client* client, sp_transaction* transaction, sp_failure* failure);
SP_PUBLIC int sp_discard(sp_client* client, sp_transaction* transaction, sp_failure* failure);

/// Connects to a granted host, a name or the text of an address; gives the descriptor of a stream socket,
/// close-on-exec.
SP_PUBLIC int sp_socket_connect(sp_client* client, const char* host, uint16_t port, sp_failure* failure);
/// Listens at 127.0.0.1 of the run, at a port that --listen grants; gives the descriptor of a listening
/// socket that does not block, close-on-exec.
SP_PUBLIC int sp_socket_listen(sp_client* client, uint16_t port, sp_failure* failure);
/// The addresses that stand for a granted name inside the run.
SP_PUBLIC int sp_resolve(sp_client* client, const char* host, sp_names* addresses, sp_failure* failure);
/// Signals a process of the same run; 0 only asks whether it is there.
SP_PUBLIC int sp_kill(sp_client* client, pid_t pid, int signal, sp_failure* failure);

#ifdef __cplusplus
}
#endif

#endif
