// SPDX-License-Identifier: Apache-2.0
// The events of every socket, newest first, filtered by socket and by kind.

const KEPT_EVENTS = 300;
const KINDS = ['open', 'message', 'error', 'close'];

// RFC 6455 section 7.4.1 and the IANA registry of close codes.
const CLOSE_CODES = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no status',
  1006: 'no closing handshake',
  1007: 'invalid payload',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
};

function describe(kind, {path, data, code, reason}) {
  switch (kind) {
    case 'open': return path;
    case 'message': return typeof data === 'string' ? data : `${data.size} bytes`;
    case 'close': return [code, CLOSE_CODES[code], reason && `“${reason}”`].filter(Boolean).join(' · ');
    default: return 'the browser does not say why';
  }
}

function cell(className, text) {
  const made = document.createElement('span');
  made.className = className;
  made.textContent = text;
  return made;
}

function row(name, kind, detail) {
  const item = document.createElement('li');
  item.dataset.socket = name;
  item.dataset.kind = kind;
  item.append(
      cell('time', new Date().toLocaleTimeString('en-GB')), cell('socket', name),
      cell('kind', kind), cell('detail', describe(kind, detail)));
  return item;
}

class EventLog {
  #list = document.getElementById('log');
  #filters = document.getElementById('filters');

  constructor() {
    this.#filters.addEventListener('change', () => {
      for (const item of this.#list.children) this.#filter(item);
    });
  }

  add(name, kind, detail) {
    const item = row(name, kind, detail);
    this.#filter(item);
    this.#list.prepend(item);
    this.#trim();
  }

  #filter(item) {
    const shown = (field, value) =>
        this.#filters.querySelector(`[name=${field}][value=${value}]`).checked;
    item.hidden = !shown('socket', item.dataset.socket) || !shown('kind', item.dataset.kind);
  }

  /** Messages go first: opens and closes are rare and worth keeping. */
  #trim() {
    if (this.#list.childElementCount <= KEPT_EVENTS) return;
    const messages = this.#list.querySelectorAll('[data-kind=message]');
    (messages[messages.length - 1] ?? this.#list.lastElementChild).remove();
  }
}

export function startLog(sockets) {
  const log = new EventLog();
  for (const socket of sockets) {
    for (const kind of KINDS) {
      socket.addEventListener(kind, ({detail}) => log.add(socket.name, kind, detail));
    }
  }
}
