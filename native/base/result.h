#pragma once

#include <cerrno>
#include <utility>
#include <variant>

namespace base {

// The system call that failed (a string literal) and its errno.
struct Failure {
  const char* call;
  int error;
};

// The failure of the call that has just set errno.
[[nodiscard]] inline Failure last_failure(const char* call) { return Failure{call, errno}; }

// A value or the failure that took its place.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Failure failure) : state_(failure) {}   // NOLINT(google-explicit-constructor)
  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  [[nodiscard]] T& value() { return std::get<0>(state_); }
  [[nodiscard]] const Failure& failure() const { return std::get<1>(state_); }

 private:
  std::variant<T, Failure> state_;
};

struct Done {};

}  // namespace base
