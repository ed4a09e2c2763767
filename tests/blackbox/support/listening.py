# SPDX-License-Identifier: Apache-2.0
"""The daemon that the tests of listeners share."""

import re

from .case import DaemonCase
from .events import EventStream, poll
from .wire import BINARY, TEXT

CONFIG = """
[server]
threads = 2

[limits]
ping_interval = "25s"

[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"
origins = ["https://app.example", "https://*.app.example"]

[route.plain]
path = "/plain/{name}"
type = "pubsub"
topics = ["plain/{name}"]
publish = "anyone"
origins = ["*"]

[route.both]
path = "/both/{a}/{b}"
type = "pubsub"
topics = ["room/{a}", "room/{b}"]

[route.recent]
path = "/recent/{name}"
type = "pubsub"
topics = ["room/{name}"]
replay = { last = 2 }

[route.choice]
path = "/choice"
type = "pubsub"
select = "query"
topics = ["room/**"]
wildcards = true

[route.sockets]
path = "/sockets"
type = "pubsub"
topics = ["sockets"]
transports = ["websocket"]

[route.streams]
path = "/streams"
type = "pubsub"
topics = ["streams"]
transports = ["sse"]

[route.polls]
path = "/polls"
type = "pubsub"
topics = ["polls"]
transports = ["poll"]

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"
origins = ["https://app.example"]

[topic.room]
match = "room/**"
history = { size = 100 }
"""

ID = re.compile(r"[0-9a-f]{16}-\d+(\.\d+)*")


class ListeningCase(DaemonCase):
    config = CONFIG

    def publisher(self, name, kind="room"):
        return self.open(f"/{kind}/{name}")

    def publish(self, publisher, *messages):
        """Returns when all who are ready have been sent them: the publisher hears itself."""
        for message in messages:
            publisher.send_frame(BINARY if isinstance(message, bytes) else TEXT, message)
        for message in messages:
            expected = message if isinstance(message, bytes) else message.encode()
            self.assertEqual(publisher.read_message(), expected)

    def stream(self, path, *headers, **options):
        stream = EventStream(self.daemon.address, path, *headers, **options)
        self.addCleanup(stream.close)
        return stream

    def poll(self, path, *headers):
        """On a connection of its own."""
        return poll(self.connect(), path, *headers)

    def ids(self, name):
        """Positions in a room's history, oldest first, and its messages."""
        polled = self.poll(f"/room/{name}?last=100")
        return [message["id"] for message in polled.messages], polled.data

    def next_id(self, some_id, by):
        epoch, _, offset = some_id.partition("-")
        return f"{epoch}-{int(offset) + by}"
