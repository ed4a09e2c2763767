// SPDX-License-Identifier: Apache-2.0
// A topic of peal by the reference client, with the events of a LiveSocket.

import {Peal} from './peal.js';

/** LiveSocket's events, and `gap` {} where messages are missing. A `state` has its `transport`. */
export class LiveTopic extends EventTarget {
  #peal = null;
  #state = '';

  constructor(name, path) {
    super();
    this.name = name;
    this.path = path;
  }

  connect() {
    const {path} = this;
    const peal = this.#peal = new Peal(path);
    peal.onmessage = ({data}) => this.#emit('message', {data});
    peal.ongap = () => this.#emit('gap', {});
    peal.onstate = ({state, transport, delay, code, reason}) => {
      if (state === 'waiting' || state === 'closed') this.#emit('close', {code, reason});
      if (peal !== this.#peal) return;
      this.#state = state;
      if (state === 'open') this.#emit('open', {path});
      this.#emit('state', {state, transport, delay});
    };
  }

  /** Leaves the present address in good order and connects to another one. */
  moveTo(path) {
    const previous = this.#peal;
    this.path = path;
    this.connect();
    previous?.close();
  }

  /** True when the message was handed to an open connection. */
  send(text) {
    if (this.#state !== 'open' || this.#peal.transport !== 'websocket') return false;
    this.#peal.publish(text).catch(() => {});  // the list of events tells what became of it
    return true;
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}
