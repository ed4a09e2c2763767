// SPDX-License-Identifier: Apache-2.0
// Chat: what is sent to /chat/{room} comes back to everybody in that room, the sender included.

import {showState} from './badge.js';
import {LiveTopic} from './live_topic.js';

const KEPT_MESSAGES = 200;
const BELLS = ['Treble', 'Tenor', 'Bob', 'Grandsire', 'Stedman', 'Cambridge', 'Kent', 'Oxford'];

const byId = (id) => document.getElementById(id);

function pathOf(room) {
  return `/chat/${encodeURIComponent(room)}`;
}

function roomInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)).trim();
  } catch {
    return '';
  }
}

/** A room is one segment of a path: these names could never arrive as one. */
function problemWith(room) {
  if (room === '') return 'A room needs a name.';
  return room.includes('/') || room === '.' || room === '..' ? 'A room name cannot be a path.' : '';
}

function randomName() {
  const bell = BELLS[Math.floor(Math.random() * BELLS.length)];
  return `${bell} ${Math.floor(10 + Math.random() * 90)}`;
}

function parse(data) {
  try {
    const {name, text} = JSON.parse(data);
    return typeof name === 'string' && typeof text === 'string' ? {name, text} : null;
  } catch {
    return null;
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

class Messages {
  #list = byId('messages');

  note(text) {
    this.#append(element('li', 'note', text));
  }

  say({name, text}, mine) {
    const item = element('li', mine ? 'bubble mine' : 'bubble', '');
    item.append(element('b', 'author', name), element('span', 'text', text));
    this.#append(item);
  }

  #append(item) {
    this.#list.append(item);
    while (this.#list.childElementCount > KEPT_MESSAGES) this.#list.firstElementChild.remove();
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}

/** The name lives as long as the window, so that two windows are two people. */
function rememberName(field) {
  field.value = sessionStorage.getItem('name') ?? randomName();
  field.addEventListener('change', () => sessionStorage.setItem('name', field.value));
}

function showRoom(room) {
  byId('room').value = room;
  byId('chat-path').textContent = pathOf(room);
  byId('second-window').href = `#${encodeURIComponent(room)}`;
}

export function startChat() {
  const messages = new Messages();
  const nameField = byId('name');
  const roomField = byId('room');
  let room = problemWith(roomInAddress()) ? 'lobby' : roomInAddress();
  const socket = new LiveTopic('chat', pathOf(room));
  rememberName(nameField);
  showRoom(room);
  showState(socket, byId('chat-state'));

  const join = (next) => {
    if (next === room || problemWith(next)) return;
    room = next;
    showRoom(room);
    history.replaceState(null, '', `#${encodeURIComponent(room)}`);
    socket.moveTo(pathOf(room));
  };

  socket.addEventListener('open', ({detail}) => {
    if (detail.path === pathOf(room)) messages.note(`You are in ${room}.`);
  });
  socket.addEventListener('state', ({detail}) => {
    byId('send').disabled = detail.state !== 'open' || detail.transport !== 'websocket';
  });
  socket.addEventListener('gap', () => messages.note('Some messages are missing here.'));
  socket.addEventListener('message', ({detail}) => {
    const message = parse(detail.data);
    if (message) messages.say(message, message.name === nameField.value.trim());
  });
  roomField.addEventListener('input', () => {
    roomField.setCustomValidity(problemWith(roomField.value.trim()));
  });
  byId('room-form').addEventListener('submit', (event) => {
    event.preventDefault();
    join(roomField.value.trim());
  });
  byId('say-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = byId('text');
    const message = {name: nameField.value.trim() || 'Nobody', text: field.value.trim()};
    if (message.text && socket.send(JSON.stringify(message))) field.value = '';
  });
  addEventListener('hashchange', () => join(roomInAddress()));
  return socket;
}
