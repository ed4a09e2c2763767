// SPDX-License-Identifier: Apache-2.0
// The words that the configuration file has for enumerated values.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace peal::config {

/// The words of an enumeration, in the order of its values.
template <class Enum>
inline constexpr std::string_view kNames[1] = {};
template <>
inline constexpr std::string_view kNames<IoChoice>[] = {"auto", "io_uring", "epoll"};
template <>
inline constexpr std::string_view kNames<SlowClient>[] = {"disconnect", "drop", "latest"};
template <>
inline constexpr std::string_view kNames<LogLevel>[] = {"trace", "debug", "info", "warn", "error"};
template <>
inline constexpr std::string_view kNames<LogFormat>[] = {"text", "json"};
template <>
inline constexpr std::string_view kNames<RouteType>[] = {"echo",  "pubsub", "publish",
                                                         "files", "health", "metrics"};
template <>
inline constexpr std::string_view kNames<TlsVersion>[] = {"1.2", "1.3"};
template <>
inline constexpr std::string_view kNames<PublishPolicy>[] = {"never", "ignore", "anyone"};
template <>
inline constexpr std::string_view kNames<Transport>[] = {"websocket", "sse", "poll"};
template <>
inline constexpr std::string_view kNames<ProxyProtocol>[] = {"none", "v1", "v2", "any"};
template <>
inline constexpr std::string_view kNames<ForwardedHeader>[] = {"none", "X-Forwarded-For",
                                                               "Forwarded"};
template <>
inline constexpr std::string_view kNames<TopicSelect>[] = {"route", "query"};

/// "pubsub" for RouteType::pubsub.
template <class Enum>
constexpr std::string_view name(Enum value) {
  return kNames<Enum>[std::to_underlying(value)];
}

}  // namespace peal::config
