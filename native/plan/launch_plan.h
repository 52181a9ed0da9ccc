#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What one launch does, as plain data, and its form on the wire between the addon and the launcher. Pure: no
// system call, so that the parser can be fuzzed. The wire form is private to one build: little care for
// versions, all care for bounds.
namespace plan {

struct Rlimit {
  uint32_t resource = 0;
  // UINT64_MAX is infinity (RLIM64_INFINITY).
  uint64_t soft = 0;
  uint64_t hard = 0;
};

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> groups;
};

// Descriptors travel beside the plan in this order: stdio x3, then the channel, then the ruleset, as the
// flags say.
struct LaunchPlan {
  std::string path;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string cwd;
  bool has_channel = false;
  bool has_ruleset = false;
  bool notify = false;
  // 0 to 2, or -1.
  int32_t terminal_index = -1;
  // struct sock_filter[] as bytes.
  std::vector<uint8_t> stub_filter;
  std::vector<uint8_t> filter;
  std::optional<User> user;
  // Bit n is Linux capability n.
  uint64_t keep_capabilities = 0;
  uint32_t umask = 0;
  std::vector<Rlimit> rlimits;
  std::vector<uint32_t> cpus;
};

inline constexpr size_t max_plan_bytes = 8U << 20U;
inline constexpr size_t max_string_bytes = 131071;  // MAX_ARG_STRLEN less the NUL, execve(2)
inline constexpr size_t max_path_bytes = 4095;      // PATH_MAX less the NUL
inline constexpr size_t max_strings = 65536;
inline constexpr size_t max_groups = 65536;           // NGROUPS_MAX
inline constexpr size_t max_filter_bytes = 4096 * 8;  // BPF_MAXINSNS
inline constexpr size_t max_rlimits = 16;             // RLIM_NLIMITS
inline constexpr size_t max_cpus = 8192;

// The wire form, or nothing when the plan is not one that parse_plan() accepts: both ends hold the same
// rules.
[[nodiscard]] std::optional<std::vector<uint8_t>> serialise_plan(const LaunchPlan& plan);
// Strict: every length is checked against what is left, strings hold no NUL, paths are absolute, nothing may
// follow.
[[nodiscard]] std::optional<LaunchPlan> parse_plan(std::span<const uint8_t> bytes);

}  // namespace plan
