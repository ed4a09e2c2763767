// SPDX-License-Identifier: Apache-2.0
// A client of peal (docs/PROTOCOL.md): a WebSocket with peal.v1 that comes back by itself and goes on
// where it was; where there is no way for a WebSocket, server-sent events, then long polls.

const FIRST_MS = 500, LONGEST_MS = 15_000, STABLE_MS = 5_000, TRIES = 3;
const NEVER = '9007199254740991';  // an offset that no topic has come to: what follows is a gap
const isPattern = (topic) => /(^|\/)\*\*?(\/|$)/.test(topic);
const octets = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/**
 *   const peal = new Peal('/chat/lobby');            // or '/live', {topics: ['prices/eur', 'news/en']}
 *   peal.onmessage = ({topic, id, data}) => {};      // a string, or a Uint8Array of what was binary
 *   peal.on('prices/eur', ({id, data}) => {});       // the same of one topic
 *   peal.ongap = ({topic, next}) => {};              // messages were lost before what follows
 *   peal.onstate = ({state, transport, delay, code, reason}) => {};  // connecting open waiting closed
 *   await peal.publish('hello');                     // {id, subscribers}; by WebSocket only
 *
 * `topics`: those that the route lets clients choose, or those of a route that has several of its own, in
 * its order: so it goes on where it was, whatever transport it takes next.
 * `since`: where to go on, as peal.position has it. In Node, `WebSocket` is that of the package ws.
 */
export class Peal {
  #topics; #since; #url; #ways; #WebSocket; #EventSource;
  #handlers = new Map(); #ids = new Map(); #epoch = '';
  #way = 0; #tried = 0; #failures = 0; #attempt = 0; #hopeful = false; #openedAt = Infinity;
  #run; #stop; #timer; #send; #ref = 0; #asked = new Map();

  constructor(url, {topics = [], since = '', WebSocket = globalThis.WebSocket, EventSource = globalThis.EventSource} = {}) {
    this.#url = new URL(url, globalThis.location?.href);
    this.#topics = [...new Set(topics)];
    this.#since = since;
    this.#WebSocket = WebSocket;
    this.#EventSource = EventSource;
    this.#ways = [WebSocket && 'websocket', EventSource && 'sse', 'poll'].filter(Boolean);
    this.#timer = setTimeout(() => this.#connect());
  }

  on(topic, handler) { this.#handlers.set(topic, handler); }
  get transport() { return this.#ways[this.#way]; }

  /** Where this client is: an id for each topic, in their order, as `since` takes them. */
  get position() {
    if (!this.#ids.size) return this.#since;
    const names = this.#topics.length ? this.#topics.filter((topic) => !isPattern(topic)) : [...this.#ids.keys()];
    // Several that nobody has named came in any order, unless numbers stand for them.
    const ordered = this.#topics.length || names.length === 1 || names[0] === 0;
    const offset = (id) => ordered && id?.startsWith(this.#epoch) ? id.slice(17) : NEVER;
    return `${this.#epoch}-${names.map((name) => offset(this.#ids.get(name))).join('.')}`;
  }

  publish(data, topic) {
    return this.#ask({publish: topic, ...typeof data === 'string' ? {data} : {base64: btoa(Array.from(data, (o) => String.fromCharCode(o)).join(''))}});
  }

  async subscribe(topic) {
    await this.#ask({subscribe: topic});
    this.#topics.push(topic);
  }

  async unsubscribe(topic) {
    await this.#ask({unsubscribe: topic});
    this.#topics = this.#topics.filter((other) => other !== topic);
    this.#ids.delete(topic);
  }

  close() {
    this.#end();
    this.#state('closed', {code: 1000});
  }

  #ask(command) {
    if (!this.#send) return Promise.reject(new Error('no WebSocket is open'));
    const ref = this.#ref++ % 2 ** 31;
    this.#send({...command, ref});
    return new Promise((resolve, reject) => this.#asked.set(ref, {resolve, reject}));
  }

  #state(state, more) { this.onstate?.({state, transport: this.transport, ...more}); }

  #at(scheme, more = {}) {
    const url = new URL(this.#url);
    url.protocol = scheme + (/^(https|wss):$/.test(url.protocol) ? 's' : '');
    url.hash = '';
    for (const topic of this.#topics) url.searchParams.append('topic', topic);
    const since = this.position;
    for (const [key, value] of Object.entries({...since && {since}, ...more})) url.searchParams.set(key, value);
    return url;
  }

  #connect() {
    const run = this.#run = {};
    const live = (then) => (event) => { if (run === this.#run) then(event); };  // later ones are not for us
    this.#state('connecting');
    this.#stop = {websocket: this.#webSocket, sse: this.#events, poll: this.#polls}[this.transport].call(this, live);
  }

  /** Ends what there is of a connection. */
  #end() {
    clearTimeout(this.#timer);
    this.#run = this.#send = null;
    this.#stop?.();
    for (const {reject} of this.#asked.values()) reject(new Error('the connection is lost'));
    this.#asked.clear();
  }

  #opened() {
    this.#failures = 0;
    this.#openedAt = Date.now();
    // A WebSocket has been had before: the server was away, and is back.
    if (this.#way > 0 && this.#hopeful) {
      this.#hopeful = false;
      this.#end();
      this.#go(0);
      this.#connect();
      return;
    }
    this.#hopeful = this.transport === 'websocket';
    this.#state('open');
  }

  /** Another transport may name what it hears in another way, so only the position is kept. */
  #go(way) {
    this.#since = this.position;
    this.#ids.clear();
    if (way > this.#tried) this.#attempt = 0;
    this.#tried = Math.max(way, this.#tried);
    this.#way = way;
  }

  /** Full jitter: clients that were lost together do not come back together. */
  #lost({code, reason} = {}) {
    this.#end();
    if (Date.now() - this.#openedAt > STABLE_MS) this.#attempt = 0;
    const wasOpen = this.#openedAt !== Infinity;
    this.#openedAt = Infinity;
    if (!wasOpen && ++this.#failures === TRIES) {
      this.#failures = 0;
      this.#go((this.#way + 1) % this.#ways.length);
    }
    const delay = Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempt++);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#state('waiting', {delay, code, reason});
  }

  #note(topic, id) {
    this.#ids.set(topic, id);
    this.#epoch = id.slice(0, 16);
  }

  /** `position` is that of all topics; where they are not named, numbers stand for them. */
  #jump(position) {
    const [epoch, offsets] = position.split('-');
    const names = this.#topics.filter((topic) => !isPattern(topic));
    offsets.split('.').forEach((offset, i) => this.#note(names[i] ?? i, `${epoch}-${offset}`));
  }

  #deliver({topic, id, data, base64}) {
    const message = {topic, id, data: data ?? octets(base64)};
    this.#handlers.get(topic)?.(message);
    this.onmessage?.(message);
  }

  #hear(said) {
    const topic = said.subscribed ?? said.topic;
    if (said.next || this.#ids.has(topic)) this.#note(topic, said.next ?? said.id);  // not of a pattern's
    if (said.gap) this.ongap?.(said);
    else if (said.topic) this.#deliver(said);
    const {resolve, reject} = this.#asked.get(said.ref) ?? {};
    this.#asked.delete(said.ref);
    if (said.error) reject?.(Object.assign(new Error(said.message), {code: said.error}));
    else resolve?.(said);
  }

  #webSocket(live) {
    const socket = new this.#WebSocket(this.#at('ws'), 'peal.v1');
    socket.onopen = live(() => {
      this.#send = (command) => socket.send(JSON.stringify(command));
      this.#opened();
    });
    socket.onmessage = live(({data}) => this.#hear(JSON.parse(data)));
    socket.onclose = live((event) => this.#lost(event));
    socket.onerror = () => {};  // a close follows
    return () => socket.close(1000);
  }

  #events(live) {
    const source = new this.#EventSource(this.#at('http'));
    const on = (event, then) => source.addEventListener(event, live(({data, lastEventId}) => {
      if (lastEventId) this.#jump(lastEventId);
      then(data, lastEventId);
    }));
    source.onopen = live(() => this.#opened());
    // Of several topics, the data says which.
    on('message', (data, id) => this.#deliver(this.#topics.length || id.includes('.') ? JSON.parse(data) : {id, data}));
    on('binary', (base64, id) => this.#deliver({id, base64}));
    on('gap', (data) => this.ongap?.(JSON.parse(data)));
    source.onerror = live(() => {
      // Before the first message only the browser knows where it is, and comes back by itself.
      const knows = this.position || this.#openedAt === Infinity;
      if (knows || source.readyState === source.CLOSED) this.#lost();
      else this.#state('connecting');
    });
    return () => source.close();
  }

  #polls(live) {
    const abort = new AbortController();
    const poll = async (wait) => {
      const answer = await fetch(this.#at('http', {wait}), {signal: abort.signal, cache: 'no-store'});
      if (!answer.ok) throw new Error(answer.statusText);
      const {messages = [], next = answer.headers.get('Peal-Next'), gap} = answer.status === 200 ? await answer.json() : {};
      live(() => {
        this.#jump(next);
        // A handler that throws takes nothing from the others.
        if (gap) queueMicrotask(() => this.ongap?.({gap, next}));
        for (const message of messages) queueMicrotask(() => this.#deliver(message));
        if (wait === '0s') this.#opened();
      })();
    };
    (async () => {
      for (let wait = '0s'; ; wait = '25s') await poll(wait);
    })().catch(live(() => this.#lost()));
    return () => abort.abort();
  }
}
