#include "base/merkle.h"

#include "binding/binding.h"
#include "binding/values.h"

namespace binding {

namespace {

// The bytes of a Uint8Array; empty for anything else.
std::span<uint8_t> bytes_at(const Napi::CallbackInfo& info, size_t at) {
  napi_typedarray_type type;
  size_t size = 0;
  void* bytes = nullptr;
  if (napi_get_typedarray_info(info.Env(), info[at], &type, &size, &bytes, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array) {
    return {};
  }
  return {static_cast<uint8_t*>(bytes), size};
}

Napi::Value append_records(const Napi::CallbackInfo& info) {
  const std::span<uint8_t> image = bytes_at(info, 0);
  const std::span<uint8_t> edge = bytes_at(info, 3);
  const int64_t start = long_at(info, 1);
  const int64_t end = long_at(info, 2);
  if (edge.size() != base::kEdgeBytes || start < 0 || end < 0) {
    throw_type_error(info.Env(), "appendRecords(image, start, end, edge, size)");
    return info.Env().Undefined();
  }
  return integer(info.Env(), base::append_records(image, static_cast<size_t>(start), static_cast<size_t>(end),
                                                  edge.first<base::kEdgeBytes>(), long_at(info, 4)));
}

}  // namespace

void register_merkle(Napi::Env env, Napi::Object exports) {
  export_function<append_records>(env, exports, "appendRecords");
}

}  // namespace binding
