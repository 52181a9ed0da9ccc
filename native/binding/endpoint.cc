#include "binding/endpoint.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace binding {

bool read_endpoint(const Napi::CallbackInfo& info, plan::Endpoint& out) {
  if (!info[0].IsString() || !info[1].IsTypedArray() || !info[2].IsNumber()) return false;
  const std::string use = info[0].As<Napi::String>().Utf8Value();
  if (use == "listen") {
    out.use = plan::EndpointUse::listen;
  } else if (use == "datagram") {
    out.use = plan::EndpointUse::datagram;
  } else if (use == "connect") {
    out.use = plan::EndpointUse::connect;
  } else {
    return false;
  }
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const double port = info[2].As<Napi::Number>().DoubleValue();
  if ((bytes.ByteLength() != 4 && bytes.ByteLength() != 16) || !(port >= 0 && port <= UINT16_MAX))
    return false;
  out.family = bytes.ByteLength() == 4 ? plan::AddressFamily::ipv4 : plan::AddressFamily::ipv6;
  std::copy_n(bytes.Data(), bytes.ByteLength(), out.address);
  out.port = static_cast<uint16_t>(port);
  return true;
}

}  // namespace binding
