// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/path_pattern.h"

namespace peal::config {

/// What the topics of a pubsub or publish route demand, and the keys that go with them. Reports to
/// `diagnosis`. `path`: the route's.
void validate_route_topics(const Route& route, const PathPattern& path, Diagnosis& diagnosis);

/// The patterns of topic classes: each can be read, and no two are of the same topics.
void validate_topic_classes(const Config& config, Diagnosis& diagnosis);

}  // namespace peal::config
