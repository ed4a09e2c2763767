// SPDX-License-Identifier: Apache-2.0

import {startChat} from './chat.js';
import {startEcho} from './echo.js';
import {startLog} from './log.js';
import {startTicker} from './ticker.js';

const sockets = [startChat(), startTicker(), startEcho()];
startLog(sockets);
for (const socket of sockets) socket.connect();
