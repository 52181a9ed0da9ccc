#include <napi.h>

#include "binding/binding.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  binding::register_probe(env, exports);
  binding::register_landlock(env, exports);
  binding::register_launch(env, exports);
  binding::register_notify(env, exports);
  binding::register_channel(env, exports);
  binding::register_message(env, exports);
  binding::register_fs(env, exports);
  binding::register_layer(env, exports);
  binding::register_process(env, exports);
  binding::register_socket(env, exports);
  binding::register_stream(env, exports);
  binding::register_relay(env, exports);
  binding::register_merkle(env, exports);
  binding::register_stage(env, exports);
  binding::register_watch(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(sallyport, init)
