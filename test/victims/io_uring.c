// Opens a file for writing through io_uring, which no seccomp filter sees. io_uring PATH
#include <linux/io_uring.h>
#include <sys/mman.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct io_uring_params parameters = {0};
  int ring = (int)syscall(SYS_io_uring_setup, 4, &parameters);
  if (ring < 0) judge("io_uring_setup", ring);
  size_t size = parameters.sq_off.array + parameters.sq_entries * sizeof(uint32_t);
  char* queue = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  size_t done_size = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
  char* done = mmap(NULL, done_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  struct io_uring_sqe* entry = mmap(NULL, parameters.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE,
                                    MAP_SHARED, ring, IORING_OFF_SQES);
  if (queue == MAP_FAILED || done == MAP_FAILED || (void*)entry == MAP_FAILED)
    finish(BROKEN, "mmap of the ring");
  entry->opcode = IORING_OP_OPENAT;
  entry->fd = AT_FDCWD;
  entry->addr = (uint64_t)(uintptr_t)argument(argc, argv, 1);
  entry->open_flags = O_WRONLY;
  ((uint32_t*)(queue + parameters.sq_off.array))[0] = 0;
  __atomic_store_n((uint32_t*)(queue + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
  need("io_uring_enter", syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
  int result = ((struct io_uring_cqe*)(done + parameters.cq_off.cqes))[0].res;
  if (result < 0) errno = -result;
  judge("io_uring openat", result < 0 ? -1 : 0);
}
