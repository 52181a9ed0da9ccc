#pragma once

#include <napi.h>

#include <vector>

#include "plan/launch_plan.h"

namespace binding {

// Reads a NativeLaunchSpec into `plan` and its descriptors, borrowed and in the order the launcher wants,
// into `fds`. False, without a pending exception of its own making, when a field has the wrong type or does
// not fit.
[[nodiscard]] bool read_launch_spec(const Napi::Object& spec, plan::LaunchPlan& plan, std::vector<int>& fds);

}  // namespace binding
