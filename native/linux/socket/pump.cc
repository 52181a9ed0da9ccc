#include "linux/socket/pump.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace sockets {
namespace {

using base::last_failure;
using base::Result;

constexpr size_t chunk_bytes = 1U << 20U;
// Then another connection has its turn.
constexpr int rounds = 16;
// Most flows are small; what is not gets a larger pipe, where the user's share of pipe memory still has one.
constexpr uint64_t bulk_bytes = 256U << 10U;
constexpr int bulk_pipe_bytes = 1 << 20;
constexpr unsigned how = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Result<Pump> Pump::create(int from, int to) {
  Pump pump;
  pump.from_.reset(::fcntl(from, F_DUPFD_CLOEXEC, 3));
  pump.to_.reset(::fcntl(to, F_DUPFD_CLOEXEC, 3));
  if (!pump.from_.valid() || !pump.to_.valid()) return last_failure("fcntl");
  int pair[2] = {-1, -1};
  if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) return last_failure("pipe2");
  pump.pipe_out_.reset(pair[0]);
  pump.pipe_in_.reset(pair[1]);
  return pump;
}

// false: nothing is there to be read.
Result<bool> Pump::fill() {
  if (ended_) return false;
  const ssize_t got = ::splice(from_.get(), nullptr, pipe_in_.get(), nullptr, chunk_bytes, how);
  if (got < 0) {
    // EAGAIN stands for a full pipe as well: then there is something to drain.
    if (would_block()) return false;
    return last_failure("splice");
  }
  ended_ = got == 0;
  held_ += static_cast<uint64_t>(got);
  return got > 0;
}

// false: the sink takes no more.
Result<bool> Pump::drain() {
  while (held_ > 0) {
    const ssize_t put = ::splice(pipe_out_.get(), nullptr, to_.get(), nullptr, held_, how);
    if (put < 0) {
      if (would_block()) return false;
      return last_failure("splice");
    }
    held_ -= static_cast<uint64_t>(put);
    bytes_ += static_cast<uint64_t>(put);
  }
  return true;
}

Result<Pump::Wants> Pump::run() {
  for (int round = 0; round < rounds; ++round) {
    Result<bool> filled = fill();
    if (!filled.ok()) return filled.failure();
    Result<bool> drained = drain();
    if (!drained.ok()) return drained.failure();
    if (!drained.value()) return Wants::writable;
    if (ended_) {
      (void)::shutdown(to_.get(), SHUT_WR);
      return Wants::nothing;
    }
    if (!filled.value()) return Wants::readable;
    if (!grown_ && bytes_ >= bulk_bytes) {
      grown_ = true;
      (void)::fcntl(pipe_in_.get(), F_SETPIPE_SZ, bulk_pipe_bytes);
    }
  }
  return Wants::readable;
}

void Pump::close() {
  from_.reset();
  to_.reset();
  pipe_in_.reset();
  pipe_out_.reset();
}

}  // namespace sockets
