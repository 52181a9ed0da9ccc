#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sockets {

// One direction of a connection: moves bytes from one stream socket to another without copying them, through
// a pipe. splice(2). Both sockets are non-blocking; the pump owns descriptors of its own for them.
class Pump {
 public:
  enum class Wants { readable, writable, nothing };

  // Duplicates both descriptors.
  [[nodiscard]] static base::Result<Pump> create(int from, int to);

  // Moves what can be moved now, and says what has to become of which socket before more can. `nothing`: the
  // source has ended, everything is written, and the sink is told (shutdown(2)). Failure: either side is
  // gone.
  [[nodiscard]] base::Result<Wants> run();

  [[nodiscard]] int from() const { return from_.get(); }
  [[nodiscard]] int to() const { return to_.get(); }
  // Written to the sink so far.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  void close();

 private:
  Pump() = default;
  [[nodiscard]] base::Result<bool> fill();
  [[nodiscard]] base::Result<bool> drain();

  base::UniqueFd from_;
  base::UniqueFd to_;
  base::UniqueFd pipe_in_;
  base::UniqueFd pipe_out_;
  uint64_t bytes_ = 0;
  uint64_t held_ = 0;
  bool ended_ = false;
  bool grown_ = false;
};

}  // namespace sockets
