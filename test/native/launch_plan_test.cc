#include "plan/launch_plan.h"

#include <cstring>
#include <random>

#include "test.h"

namespace {

plan::LaunchPlan full_plan() {
  plan::LaunchPlan plan;
  plan.path = "/bin/sh";
  plan.argv = {"sh", "-c", ""};
  plan.env = {"A=1", "B=\xc3\xa4"};
  plan.cwd = "/";
  plan.has_channel = true;
  plan.has_ruleset = true;
  plan.notify = true;
  plan.terminal_index = 2;
  plan.stub_filter.assign(16, 1);
  plan.filter.assign(80, 2);
  plan.user = plan::User{1000, 1001, {4, 24}};
  plan.keep_capabilities = 0x8000000000000001;
  plan.umask = 077;
  plan.rlimits = {{7, 1024, UINT64_MAX}, {4, 0, 0}};
  plan.cpus = {0, 8191};
  return plan;
}

bool same(const plan::LaunchPlan& a, const plan::LaunchPlan& b) {
  // The wire form holds every field once.
  return plan::serialise_plan(a) == plan::serialise_plan(b);
}

// Offset of the 32-bit count of argv.
constexpr size_t argv_offset = 4 + 4 + 4 + 4 + 8 + (4 + 7) + (4 + 1);

TEST(round_trip_keeps_every_field) {
  const plan::LaunchPlan plan = full_plan();
  const auto bytes = plan::serialise_plan(plan);
  EXPECT(bytes.has_value());
  const auto parsed = plan::parse_plan(*bytes);
  EXPECT(parsed.has_value());
  EXPECT(same(plan, *parsed));
  EXPECT(parsed->argv == plan.argv && parsed->env == plan.env && parsed->cwd == plan.cwd);
  EXPECT(parsed->filter == plan.filter && parsed->stub_filter == plan.stub_filter);
  EXPECT(parsed->user && parsed->user->groups == plan.user->groups && parsed->user->gid == 1001);
  EXPECT(parsed->rlimits.size() == 2 && parsed->rlimits[0].hard == UINT64_MAX);
  EXPECT(parsed->cpus == plan.cpus && parsed->keep_capabilities == plan.keep_capabilities);
}

TEST(a_plan_without_options_is_one_too) {
  plan::LaunchPlan plan;
  plan.path = "/x";
  plan.argv = {"x"};
  plan.cwd = "/";
  const auto bytes = plan::serialise_plan(plan);
  EXPECT(bytes.has_value());
  const auto parsed = plan::parse_plan(*bytes);
  EXPECT(parsed && !parsed->user && !parsed->has_channel && parsed->filter.empty() &&
         parsed->terminal_index == -1);
}

TEST(every_truncation_and_any_trailing_byte_is_refused) {
  std::vector<uint8_t> bytes = *plan::serialise_plan(full_plan());
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT(!plan::parse_plan(std::span(bytes).first(size)));
  bytes.push_back(0);
  EXPECT(!plan::parse_plan(bytes));
}

TEST(hostile_counts_are_refused_before_they_allocate) {
  for (const uint32_t count : {0xffffffffU, 0x7fffffffU, 65537U, 4096U}) {
    std::vector<uint8_t> bytes = *plan::serialise_plan(full_plan());
    std::memcpy(bytes.data() + argv_offset, &count, sizeof(count));
    EXPECT(!plan::parse_plan(bytes));
  }
}

TEST(incoherent_plans_are_refused_by_both_ends) {
  const auto refused = [](auto change) {
    plan::LaunchPlan plan = full_plan();
    change(plan);
    return !plan::serialise_plan(plan).has_value();
  };
  EXPECT(refused([](auto& p) { p.path = "relative"; }));
  EXPECT(refused([](auto& p) { p.path.clear(); }));
  EXPECT(refused([](auto& p) { p.cwd = "."; }));
  EXPECT(refused([](auto& p) { p.path = std::string("/a\0b", 4); }));
  EXPECT(refused([](auto& p) { p.env = {std::string("A=\0", 3)}; }));
  EXPECT(refused([](auto& p) { p.argv.clear(); }));
  EXPECT(refused([](auto& p) { p.argv = {std::string(plan::max_string_bytes + 1, 'a')}; }));
  EXPECT(refused([](auto& p) { p.filter.push_back(0); }));
  EXPECT(refused([](auto& p) { p.filter.clear(); }));
  EXPECT(refused([](auto& p) { p.stub_filter.assign(plan::max_filter_bytes + 8, 0); }));
  EXPECT(refused([](auto& p) { p.terminal_index = 3; }));
  EXPECT(refused([](auto& p) { p.terminal_index = -2; }));
  EXPECT(refused([](auto& p) { p.umask = 01000; }));
  EXPECT(refused([](auto& p) { p.cpus = {8192}; }));
  EXPECT(refused([](auto& p) { p.rlimits = {{16, 0, 0}}; }));
  EXPECT(refused([](auto& p) { p.rlimits.resize(17); }));
  EXPECT(refused([](auto& p) { p.user->groups.resize(plan::max_groups + 1); }));
}

TEST(unknown_flags_and_magic_are_refused) {
  for (const size_t at : {size_t{0}, size_t{4}}) {
    std::vector<uint8_t> bytes = *plan::serialise_plan(full_plan());
    bytes[at] ^= 0x80;
    EXPECT(!plan::parse_plan(bytes));
  }
}

TEST(what_parses_serialises_to_the_same_bytes) {
  std::minstd_rand random(1);  // NOLINT: repeatable on purpose
  const std::vector<uint8_t> good = *plan::serialise_plan(full_plan());
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (auto flips = 1 + random() % 3; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    const auto parsed = plan::parse_plan(bytes);
    if (!parsed) continue;
    ++accepted;
    EXPECT(plan::serialise_plan(*parsed) == bytes);
  }
  EXPECT(accepted > 0);
}

}  // namespace
