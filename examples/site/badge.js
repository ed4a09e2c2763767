// SPDX-License-Identifier: Apache-2.0
// Shows the state of one socket in words, with a dot whose shape and colour repeat them.

function words({state, delay}) {
  return state === 'waiting' ? `retry in ${(delay / 1000).toFixed(1)} s` : state;
}

export function showState(socket, badge) {
  socket.addEventListener('state', ({detail}) => {
    badge.dataset.state = detail.state;
    badge.textContent = words(detail);
  });
}
