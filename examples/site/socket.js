// SPDX-License-Identifier: Apache-2.0
// A WebSocket that comes back by itself and tells what happens to it.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const STABLE_MS = 5_000;

/** Doubles with each attempt; half of it is random, so that clients do not all return at once. */
export function reconnectDelay(attempt, random = Math.random()) {
  const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return longest * (0.5 + 0.5 * random);
}

/**
 * Events, each a CustomEvent: `state` {state, delay} with state "connecting", "open" or "waiting";
 * `open` {path}, `message` {data}, `error` {}, `close` {code, reason}.
 */
export class LiveSocket extends EventTarget {
  #socket = null;
  #timer = 0;
  #attempt = 0;

  constructor(name, path) {
    super();
    this.name = name;
    this.path = path;
    addEventListener('online', () => {
      if (this.#socket?.readyState === WebSocket.CLOSED) this.connect();
    });
  }

  connect() {
    clearTimeout(this.#timer);
    const url = new URL(this.path, location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.hash = '';
    this.#listen(new WebSocket(url));
    this.#emit('state', {state: 'connecting'});
  }

  /** Leaves the present address in good order and connects to another one. */
  moveTo(path) {
    const previous = this.#socket;
    this.path = path;
    this.#attempt = 0;
    this.connect();
    previous?.close(1000, 'moving on');
  }

  /** True when the message was handed to an open connection. */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #listen(socket) {
    const {path} = this;
    let openedAt = Infinity;
    this.#socket = socket;
    socket.onopen = () => {
      openedAt = performance.now();
      this.#emit('open', {path});
      if (socket === this.#socket) this.#emit('state', {state: 'open'});
    };
    socket.onmessage = ({data}) => {
      if (socket === this.#socket) this.#emit('message', {data});
    };
    socket.onerror = () => this.#emit('error', {});
    socket.onclose = ({code, reason}) => {
      this.#emit('close', {code, reason});
      if (socket !== this.#socket) return;
      if (performance.now() - openedAt > STABLE_MS) this.#attempt = 0;
      this.#wait();
    };
  }

  #wait() {
    const delay = reconnectDelay(this.#attempt++);
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#emit('state', {state: 'waiting', delay});
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
