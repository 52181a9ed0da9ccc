#pragma once

#include <napi.h>

#include "plan/launcher_message.h"

namespace binding {

// The arguments (use, address, port) that both kinds of openEndpoint begin with; false: they are none.
[[nodiscard]] bool read_endpoint(const Napi::CallbackInfo& info, plan::Endpoint& out);

}  // namespace binding
