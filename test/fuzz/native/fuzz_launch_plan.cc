// libFuzzer target, see CMakeLists.txt: what the parser accepts it must write back byte for byte.
#include <algorithm>
#include <cstdlib>

#include "plan/launch_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto plan = plan::parse_plan({data, size});
  if (!plan) return 0;
  const auto bytes = plan::serialise_plan(*plan);
  if (!bytes || bytes->size() != size || !std::equal(bytes->begin(), bytes->end(), data)) std::abort();
  return 0;
}
