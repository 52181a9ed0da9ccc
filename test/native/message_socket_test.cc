#include "linux/launch/message_socket.h"

#include <fcntl.h>

#include <cerrno>

#include "test.h"

namespace {

struct Pair {
  base::UniqueFd one;
  base::UniqueFd two;
  Pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return;
    one.reset(ends[0]);
    two.reset(ends[1]);
  }
};

std::span<std::byte> bytes_of(int& value) { return std::as_writable_bytes(std::span(&value, 1)); }

TEST(descriptors_arrive_close_on_exec) {
  const Pair pair;
  int value = 42;
  const int fds[2] = {0, pair.one.get()};
  EXPECT(launch::send_message(pair.one.get(), bytes_of(value), fds).ok());
  int got = 0;
  auto received = launch::receive_message(pair.two.get(), bytes_of(got));
  EXPECT(received.ok() && got == 42 && received.value().fd_count == 2);
  EXPECT((::fcntl(received.value().fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST(a_message_that_is_cut_off_is_a_failure) {
  const Pair pair;
  int two[2] = {1, 2};
  EXPECT(launch::send_message(pair.one.get(), std::as_bytes(std::span(two)), {}).ok());
  int got = 0;
  auto received = launch::receive_message(pair.two.get(), bytes_of(got));
  EXPECT(!received.ok() && received.failure().error == EPROTO);
}

TEST(nothing_there_and_nobody_there_differ) {
  Pair pair;
  int got = 0;
  auto nothing = launch::receive_message(pair.two.get(), bytes_of(got));
  EXPECT(!nothing.ok() && nothing.failure().error == EAGAIN);
  pair.one.reset();
  auto gone = launch::receive_message(pair.two.get(), bytes_of(got));
  EXPECT(gone.ok() && gone.value().size_bytes == 0);
  auto sent = launch::send_message(pair.two.get(), bytes_of(got), {});
  EXPECT(!sent.ok() && sent.failure().error == EPIPE);
}

}  // namespace
