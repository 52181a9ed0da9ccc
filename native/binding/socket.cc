#include "binding/binding.h"
#include "binding/values.h"
#include "linux/process/authority.h"
#include "linux/socket/endpoint.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

// Runs `effect` so that a peer is told the caller's ids, and not those of the broker.
template <typename Effect>
Napi::Value as_caller(const Info& info, Effect effect) {
  const process::EffectiveUser user;
  return integer(info.Env(), user.error() != 0 ? -user.error() : effect());
}

Napi::Value socket_facts(const Info& info) {
  const Napi::Env env = info.Env();
  sockets::Facts facts{};
  const int failed = sockets::facts_of(int_at(info, 0), facts);
  if (failed < 0) return integer(env, failed);
  Napi::Array made = Napi::Array::New(env, 4);
  made.Set(0U, integer(env, facts.domain));
  made.Set(1U, integer(env, facts.type));
  made.Set(2U, integer(env, facts.protocol));
  made.Set(3U, integer(env, static_cast<int64_t>(facts.network)));
  return made;
}

Napi::Value socket_waiting(const Info& info) {
  const Napi::Env env = info.Env();
  sockets::Waiting waiting{};
  const int failed = sockets::waiting_of(int_at(info, 0), waiting);
  if (failed < 0) return integer(env, failed);
  Napi::Array made = Napi::Array::New(env, 2);
  made.Set(0U, integer(env, waiting.blocks ? 1 : 0));
  made.Set(1U, integer(env, waiting.send_timeout_ms));
  return made;
}

Napi::Value socket_peer(const Info& info) {
  const Napi::Env env = info.Env();
  sockets::Peer peer{};
  const int failed = sockets::peer_of(int_at(info, 0), peer);
  if (failed < 0) return integer(env, failed);
  Napi::Array made = Napi::Array::New(env, 3);
  made.Set(0U, integer(env, peer.pid));
  made.Set(1U, integer(env, peer.uid));
  made.Set(2U, integer(env, peer.gid));
  return made;
}

Napi::Value socket_connect(const Info& info) {
  return as_caller(info, [&] { return sockets::connect_to_file(int_at(info, 0), int_at(info, 1)); });
}

bool has_address(const Info& info) {
  if (info[1].IsTypedArray() && info[1].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array)
    return true;
  throw_type_error(info.Env(), "expected a Uint8Array");
  return false;
}

Napi::Value socket_connect_address(const Info& info) {
  if (!has_address(info)) return info.Env().Undefined();
  const auto address = info[1].As<Napi::Uint8Array>();
  // An internet peer is told no ids.
  return integer(info.Env(),
                 sockets::connect_to_address(int_at(info, 0), address.Data(), address.ByteLength()));
}

Napi::Value socket_bind(const Info& info) {
  if (!has_address(info)) return info.Env().Undefined();
  const auto address = info[1].As<Napi::Uint8Array>();
  return as_caller(info, [&] {
    return sockets::bind_to(int_at(info, 0), address.Data(), address.ByteLength(), int_at(info, 2),
                            unsigned_at(info, 3));
  });
}

Napi::Value socket_listen(const Info& info) {
  return as_caller(info, [&] { return sockets::listen_at(int_at(info, 0), int_at(info, 1)); });
}

}  // namespace

void register_socket(Napi::Env env, Napi::Object exports) {
  export_function<socket_facts>(env, exports, "socketFacts");
  export_function<socket_waiting>(env, exports, "socketWaiting");
  export_function<socket_peer>(env, exports, "socketPeer");
  export_function<socket_connect>(env, exports, "socketConnect");
  export_function<socket_connect_address>(env, exports, "socketConnectAddress");
  export_function<socket_bind>(env, exports, "socketBind");
  export_function<socket_listen>(env, exports, "socketListen");
}

}  // namespace binding
