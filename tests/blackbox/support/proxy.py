# SPDX-License-Identifier: Apache-2.0
"""Real proxies in front of peald, and a wire tap between the two."""

import pathlib
import re
import socket
import subprocess
import tempfile
import threading

from .daemon import wait_until

# What the proxy adds to each request it passes on: no client can know it.
SEAL = "8f2c51d07be94a63"

HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    http-reuse always
listen front
    bind unix@{folder}/front
    http-request set-header X-Seal {seal}
    server peald 127.0.0.1:{port} pool-max-conn 1
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    upstream peald {{
        server 127.0.0.1:{port};
        keepalive 1;
    }}
    map $http_upgrade $hop {{
        default Upgrade;
        "" "";
    }}
    server {{
        listen unix:{folder}/front;
        location / {{
            proxy_pass http://peald;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $hop;
            proxy_set_header X-Seal {seal};
        }}
    }}
}}
"""

# Configuration, and the command that takes its file.
PROXIES = {
    "HAProxy": (HAPROXY, ["/usr/sbin/haproxy", "-db", "-f"]),
    "nginx": (NGINX, ["/usr/sbin/nginx", "-e", "stderr", "-c"]),
}


class Line:
    """One connection of the proxy to peald, and all that went over it."""

    def __init__(self, near, far):
        self.requests = bytearray()
        self.answers = bytearray()
        for source, sink, record in ((near, far, self.requests), (far, near, self.answers)):
            threading.Thread(target=self._pump, args=(source, sink, record), daemon=True).start()

    @staticmethod
    def _pump(source, sink, record):
        try:
            while data := source.recv(1 << 16):
                record += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # either side broke it off
            for one in (source, sink):
                one.close()

    def sealed_requests(self):
        """(method, target) of each request that the proxy has passed on."""
        line = rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n(?:[^\r\n]+\r\n)*?(?i:x-seal): %s\r\n" % SEAL.encode()
        return re.findall(line, bytes(self.requests))

    def all_answers(self):
        return re.split(rb"HTTP/1\.1 (?=\d\d\d )", bytes(self.answers))[1:]


class Tap:
    """Listens for a proxy and passes everything on to `address`."""

    def __init__(self, address):
        self.address = address
        self.lines = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            self.lines.append(Line(near, socket.create_connection(self.address)))

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Proxy:
    """`name` of PROXIES, in front of the peald at `address`. `front`: the path of the socket that it listens on."""

    def __init__(self, name, address):
        template, command = PROXIES[name]
        self._folder = tempfile.TemporaryDirectory(prefix="peal-")
        folder = pathlib.Path(self._folder.name)
        self.tap = Tap(address)
        self.front = str(folder / "front")
        file = folder / "configuration"
        file.write_text(template.format(folder=folder, port=self.tap.port, seal=SEAL))
        self._process = subprocess.Popen(
            [*command, str(file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(self._listens, f"{name} listens")
        except AssertionError:
            self.stop()
            raise

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as trial:
            return trial.connect_ex(self.front) == 0

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self.tap.close()
        self._folder.cleanup()
