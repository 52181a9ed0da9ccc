#include <array>
#include <optional>
#include <span>

#include "binding/binding.h"
#include "binding/values.h"
#include "linux/socket/seqpacket.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

// A head of a reply: an array and its id.
constexpr size_t kHeadBytes = 16;

struct Descriptors {
  std::array<int, sockets::kMaxDescriptors> fds{};
  size_t count = 0;
};

std::optional<Descriptors> descriptors_of(const Napi::Value& value) {
  if (!value.IsArray()) return std::nullopt;
  const auto array = value.As<Napi::Array>();
  Descriptors made;
  if (array.Length() > made.fds.size()) return std::nullopt;
  for (uint32_t at = 0; at < array.Length(); at++) {
    const Napi::Value element = array[at];
    if (!element.IsNumber()) return std::nullopt;
    made.fds[made.count++] = element.As<Napi::Number>().Int32Value();
  }
  return made;
}

Napi::Value message_send(const Info& info) {
  const Napi::Env env = info.Env();
  const std::optional<Descriptors> passed = descriptors_of(info[2]);
  if (!info[1].IsTypedArray() || !passed.has_value()) {
    throw_type_error(env, "messageSend(fd, bytes, fds, timeoutMs)");
    return env.Undefined();
  }
  const auto bytes = info[1].As<Napi::Uint8Array>();
  return integer(env, sockets::send_within(int_at(info, 0), bytes.Data(), bytes.ByteLength(),
                                           std::span(passed->fds).first(passed->count), int_at(info, 3)));
}

Napi::Value message_receive(const Info& info) {
  const Napi::Env env = info.Env();
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, sockets::kMaxFrameBytes);
  sockets::Message message;
  const int received =
      sockets::receive_within(int_at(info, 0), buffer.Data(), message, int_at(info, 1));
  if (received <= 0) return integer(env, received == 0 ? -EPIPE : received);
  Napi::Array fds = Napi::Array::New(env, message.fd_count);
  for (uint32_t at = 0; at < message.fd_count; at++) fds.Set(at, integer(env, message.fds[at].release()));
  Napi::Array made = Napi::Array::New(env, 2);
  made.Set(0U, Napi::Uint8Array::New(env, message.size_bytes, buffer, 0));
  made.Set(1U, fds);
  return made;
}

Napi::Value message_peek(const Info& info) {
  const Napi::Env env = info.Env();
  unsigned char head[kHeadBytes];
  const int got = sockets::peek_within(int_at(info, 0), head, sizeof head, int_at(info, 1));
  if (got <= 0) return integer(env, got == 0 ? -EPIPE : got);
  return Napi::Buffer<unsigned char>::Copy(env, head, static_cast<size_t>(got));
}

}  // namespace

void register_message(Napi::Env env, Napi::Object exports) {
  export_function<message_send>(env, exports, "messageSend");
  export_function<message_receive>(env, exports, "messageReceive");
  export_function<message_peek>(env, exports, "messagePeek");
}

}  // namespace binding
