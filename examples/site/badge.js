// SPDX-License-Identifier: Apache-2.0
// Shows the state of one socket in words, with a dot whose shape and colour repeat them.

function words({state, transport = 'websocket', delay}) {
  if (state === 'waiting') return `retry in ${(delay / 1000).toFixed(1)} s`;
  return state === 'open' && transport !== 'websocket' ? `open, by ${transport}` : state;
}

export function showState(socket, badge) {
  socket.addEventListener('state', ({detail}) => {
    badge.dataset.state = detail.state;
    badge.textContent = words(detail);
  });
}
