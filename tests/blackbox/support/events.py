# SPDX-License-Identifier: Apache-2.0
"""Event streams and long polls as their clients see them."""

import dataclasses
import json

from .wire import Client


@dataclasses.dataclass
class Event:
    id: str  # of the event, or of the last one that had one
    type: str
    data: str


class EventStream(Client):
    """WHATWG HTML, section 9.2.6, over a socket."""

    def __init__(self, address, path, *headers, method="GET", version="1.1", **options):
        super().__init__(address, **options)
        self.send(self.request_head(path, "Accept: text/event-stream", *headers, method=method, version=version))
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        self.status = int(head.split()[1])
        lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
        self.headers = {name.lower(): value.strip() for name, _, value in lines}
        self.last_id, self.retry, self.comments = "", None, 0

    def read_line(self):
        return self.read_until(b"\n").decode()[:-1]

    def read_event(self):
        """The next event that a page would hear of."""
        kind, data = "message", []
        while True:
            line = self.read_line()
            if not line:
                if data:
                    return Event(self.last_id, kind, "\n".join(data))
                kind = "message"
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.retry = int(value)
            elif name == "":
                self.comments += 1

    def read_position(self):
        """The first id."""
        while not self.last_id:
            line = self.read_line()
            if line.startswith("id: "):
                self.last_id = line[4:]
            elif line.startswith("retry: "):
                self.retry = int(line[7:])
        return self.last_id


@dataclasses.dataclass
class Polled:
    status: int
    headers: dict
    messages: list
    next: str
    gap: bool

    @property
    def data(self):
        return [message.get("data") for message in self.messages]


def read_polled(client):
    answer = client.read_response()
    if answer.status != 200:
        return Polled(answer.status, answer.headers, [], answer.headers.get("peal-next"), False)
    body = json.loads(answer.body)
    assert set(body) == {"messages", "next", "gap"}, body
    assert body["next"] == answer.headers["peal-next"], (body, answer.headers)
    return Polled(200, answer.headers, body["messages"], body["next"], body["gap"])


def poll(client, path, *headers):
    client.send(client.request_head(path, *headers))
    return read_polled(client)
