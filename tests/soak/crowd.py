# SPDX-License-Identifier: Apache-2.0
"""All listeners and the publisher, on one thread."""

import collections
import heapq
import itertools
import random
import select
import threading
import time
import traceback

from listeners import TRANSPORTS, Book, Link

TOLD = 4  # faults of one kind that are told in words
OPENING = 100  # connections that are opened at once


class Feed(Link):
    """Publishes to one node what is put into its queue, in that order, and tries again until it is there: what was answered
    is published, what could not be sent is not. That a request is sent and not answered is counted."""

    def __init__(self, crowd, address):
        super().__init__(crowd, address)
        self.queue = collections.deque()  # (topic, text); the first one may be under way
        self.under_way = False
        self.unanswered = self.failed = 0

    def put(self, topic, text):
        self.queue.append((topic, text))
        self.work()

    def work(self):
        if self.under_way or not self.queue:
            return
        if not self.socket:
            return self.open() if not self.waits else None
        if self.stage.name == "CONNECTED":
            topic, text = self.queue[0]
            self.under_way = True
            self.send(f"POST /publish/soak/{topic} HTTP/1.1\r\nHost: node\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())

    waits = False  # before it connects again

    def on_connected(self):
        self.work()

    def on_refused(self, _):
        self.close()
        self.waits = True
        self.crowd.after(0.1, self.try_again)

    def try_again(self):
        self.waits = False
        self.work()

    def on_end(self, _):
        self.unanswered += self.under_way
        self.under_way = False
        self.on_refused(0)

    def take(self):
        answer = self.take_head()
        if not answer:
            return
        status, head = answer
        self.buffer.clear()  # the body came with the head
        self.under_way = False
        if status == 200:
            self.queue.popleft()
        else:
            self.failed += 1
        if b"\r\nconnection: close" in head or status != 200:
            return self.on_refused(0)
        self.work()


class Crowd(threading.Thread):
    """Owner: the test, which calls stop(). What is asked of it from another thread goes through call()."""

    def __init__(self, topics, rate, breaks):
        super().__init__(daemon=True)
        self.topics = [str(number) for number in range(topics)]
        self.rate, self.breaks = rate, breaks  # both a second
        self.epoll = select.epoll()
        self.links = {}  # by descriptor
        self.listeners, self.restless, self.books, self.feeds = [], [], {}, []
        self.numbers = dict.fromkeys(self.topics, 0)  # of the newest message
        self.ready = 0  # listeners that hear
        self.draining = False  # connections may end
        self.publishing = self.breaking = False
        self.faults, self.faults_told, self._told = 0, [], collections.Counter()
        self.failure = None
        self._timers, self._order = [], itertools.count()
        self._calls = collections.deque()
        self._turn = itertools.cycle(self.topics)
        self._stopping = False

    # From any thread.

    def call(self, function, *arguments):
        self._calls.append((function, arguments))

    def stop(self):
        self._stopping = True
        self.join(10)

    def behind(self):
        """Messages that are published and not heard yet, over all listeners."""
        return sum(self.numbers[each.topic] - each.last for each in self.listeners)

    # Before it is started.

    def add(self, count, doors):
        """`doors`: (Door, share) of all."""
        kinds = list(TRANSPORTS)
        for index in range(count):
            kind = kinds[index % len(kinds)]
            door = self._door_of((index // len(kinds) + 0.5) / (count / len(kinds)), doors)
            book = self.books.setdefault((kind, door.name), Book(kind, door.name))
            listener = TRANSPORTS[kind](self, book, random.choice(self.topics), door)
            self.listeners.append(listener)
            if random.random() < 0.1 and door.moves:
                self.restless.append(listener)

    @staticmethod
    def _door_of(place, doors):
        for door, share in doors:
            place -= share
            if place < 0:
                return door
        return doors[-1][0]

    # On its thread.

    def run(self):
        try:
            self._open_all()
            while not self._stopping:
                for descriptor, _ in self.epoll.poll(self._timeout()):
                    if link := self.links.get(descriptor):
                        link.on_event()
                self._work()
        except Exception:  # told by whoever waits
            self.failure = traceback.format_exc()

    def watch(self, link, events):
        self.links[link.socket.fileno()] = link
        self.epoll.register(link.socket.fileno(), events)

    def watch_again(self, link, events):
        self.epoll.modify(link.socket.fileno(), events)

    def forget(self, link):
        descriptor = link.socket.fileno()
        if self.links.pop(descriptor, None):
            self.epoll.unregister(descriptor)

    def after(self, seconds, function):
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function))

    def note_fault(self, kind, text):
        self.faults += 1
        self._told[kind] += 1
        if self._told[kind] <= TOLD:
            self.faults_told.append(f"{time.strftime('%H:%M:%S')} {text}")

    def _open_all(self, at=0):
        """A few at a time."""
        while at < len(self.listeners) and at - self.ready < OPENING:
            self.listeners[at].open()
            at += 1
        if at < len(self.listeners):
            self.after(0.005, lambda: self._open_all(at))

    def begin(self):
        self.publishing = True
        self._publish()
        self.begin_breaks()

    def begin_breaks(self):
        self.breaking = True
        self._break_off()

    def _publish(self):
        if not self.publishing:
            return
        topic = next(self._turn)
        self.numbers[topic] += 1
        text = f"{topic}:{self.numbers[topic]}:{time.monotonic_ns()}"
        for feed in self.feeds:
            feed.put(topic, text)
        self.after(1 / self.rate, self._publish)

    def _break_off(self):
        if not self.breaking:
            return
        listener = random.choice(self.restless)
        if listener.ready:
            listener.leave()
        self.after(1 / self.breaks, self._break_off)

    def _timeout(self):
        due = self._timers[0][0] - time.monotonic() if self._timers else 1
        return max(0, min(due, 0.05))

    def _work(self):
        while self._calls:
            function, arguments = self._calls.popleft()
            function(*arguments)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
