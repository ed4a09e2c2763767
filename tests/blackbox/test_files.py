# SPDX-License-Identifier: Apache-2.0
"""Static files: what is served, in which ranges, and what never is."""

import hashlib
import os
import threading

from support import Client, DaemonCase, wait_until

CONFIG = """
[route.site]
path = "/{path...}"
type = "files"
root = "site"

[route.assets]
path = "/assets/{path...}"
type = "files"
root = "site/sub"
index = "start.txt"

[route.health]
path = "/healthz"
type = "health"
"""

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"
BIG = os.urandom(20 << 20)


def prepare(folder):
    site = folder / "site"
    (site / "sub/deep").mkdir(parents=True)
    (site / "sub/empty").mkdir()
    (site / ".git").mkdir()
    files = {
        "index.html": b"<!doctype html><title>home</title>",
        "abc.txt": ALPHABET,
        "empty.txt": b"",
        "big.bin": BIG,
        "script.js": b"export default 1;",
        "style.css": b"p { color: red }",
        "image.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "a b+ü.txt": b"an awkward name",
        ".hidden": b"secret",
        ".git/config": b"secret",
        "sub/index.html": b"sub",
        "sub/start.txt": b"start",
        "sub/deep/index.html": b"deep",
    }
    for name, content in files.items():
        (site / name).write_bytes(content)
    (folder / "secret.txt").write_bytes(b"secret")
    (site / "way-out").symlink_to("../secret.txt")
    (site / "way-out-dir").symlink_to("..")
    (site / "absolute").symlink_to("/etc/passwd")
    (site / "within").symlink_to("abc.txt")
    os.mkfifo(site / "fifo")


class FileCase(DaemonCase):
    config = CONFIG
    prepare = staticmethod(prepare)

    def get(self, path, *headers, method="GET"):
        return self.connect().request(path, *headers, method=method)


class Serving(FileCase):
    def test_a_file_with_its_type(self):
        types = {
            "/abc.txt": "text/plain", "/index.html": "text/html", "/script.js": "text/javascript",
            "/style.css": "text/css", "/image.svg": "image/svg+xml", "/big.bin": "application/octet-stream",
        }
        for path, media_type in types.items():
            with self.subTest(path):
                answer = self.get(path, method="HEAD")
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers["content-type"].partition(";")[0], media_type)
                self.assertEqual(answer.headers["x-content-type-options"], "nosniff")

    def test_the_content(self):
        answer = self.get("/abc.txt")
        self.assertEqual((answer.status, answer.body), (200, ALPHABET))
        self.assertEqual(answer.headers["accept-ranges"], "bytes")

    def test_head_has_no_body(self):
        client = self.connect()
        for path in ("/abc.txt", "/big.bin"):
            client.send(f"HEAD {path} HTTP/1.1\r\nHost: {self.daemon.host}\r\n\r\n".encode())
            answer = client.read_response(bodyless=True)
            self.assertEqual(answer.status, 200)
        # Were there a body, it would stand where the next answer begins.
        client.send(f"GET /healthz HTTP/1.1\r\nHost: {self.daemon.host}\r\n\r\n".encode())
        self.assertEqual(client.read_response().body, b'{"status":"ok"}')

    def test_an_empty_file(self):
        answer = self.get("/empty.txt")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_an_awkward_name(self):
        self.assertEqual(self.get("/a%20b+%C3%BC.txt").body, b"an awkward name")

    def test_a_query_is_ignored(self):
        self.assertEqual(self.get("/abc.txt?v=1").body, ALPHABET)

    def test_the_index(self):
        self.assertIn(b"home", self.get("/").body)
        self.assertEqual(self.get("/sub/").body, b"sub")
        self.assertEqual(self.get("/assets/start.txt").body, b"start")

    def test_the_index_has_a_name_of_the_routes_choice(self):
        self.assertEqual(self.get("/assets/deep/").status, 404)

    def test_a_folder_redirects_to_its_slash(self):
        answer = self.get("/sub?x=1")
        self.assertEqual(answer.status, 301)
        self.assertIn(answer.headers["location"].partition("?")[0], ("/sub/", "sub/"))
        self.assertEqual(self.get("/sub/empty/").status, 404)

    def test_a_location_stays_on_this_host(self):
        for path in ("//sub", "//evil.example/..", "/\\evil.example", "//evil.example%2f.."):
            with self.subTest(path):
                answer = self.get(path)
                self.assertFalse(answer.headers.get("location", "/").startswith(("//", "/\\", "http")), answer)

    def test_head(self):
        client = self.connect()
        head = client.request("/abc.txt", method="HEAD")
        self.assertEqual((head.status, head.headers["content-length"]), (200, "26"))
        self.assertEqual(client.request("/abc.txt").body, ALPHABET)

    def test_another_method(self):
        for path in ("/abc.txt", "/nowhere.txt", "/sub"):
            with self.subTest(path):
                answer = self.get(path, "Content-Length: 0", method="POST")
                self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))

    def test_health_is_the_more_specific_route(self):
        self.assertIn(b"ok", self.get("/healthz").body)


class Conditions(FileCase):
    def test_an_entity_tag_that_matches(self):
        etag = self.get("/abc.txt").headers["etag"]
        for value in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            with self.subTest(value):
                answer = self.get("/abc.txt", f"If-None-Match: {value}")
                self.assertEqual(answer.status, 304)
                self.assertEqual(answer.headers["etag"], etag)

    def test_one_that_does_not(self):
        self.assertEqual(self.get("/abc.txt", 'If-None-Match: "other"').status, 200)

    def test_the_connection_goes_on_after_304(self):
        client = self.connect()
        etag = client.request("/abc.txt").headers["etag"]
        self.assertEqual(client.request("/abc.txt", f"If-None-Match: {etag}").status, 304)
        self.assertEqual(client.request("/abc.txt").body, ALPHABET)

    def test_dates(self):
        date = self.get("/abc.txt").headers["last-modified"]
        self.assertEqual(self.get("/abc.txt", f"If-Modified-Since: {date}").status, 304)
        self.assertEqual(self.get("/abc.txt", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT").status, 200)

    def test_a_changed_file_has_another_tag(self):
        path = self.daemon.folder / "site/changing.txt"
        path.write_bytes(b"one")
        before = self.get("/changing.txt").headers["etag"]
        path.write_bytes(b"three")
        answer = self.get("/changing.txt", f"If-None-Match: {before}")
        self.assertEqual((answer.status, answer.body), (200, b"three"))

    def test_a_file_that_appears_later(self):
        self.assertEqual(self.get("/later.txt").status, 404)
        (self.daemon.folder / "site/later.txt").write_bytes(b"now")
        self.assertEqual(self.get("/later.txt").body, b"now")


class Ranges(FileCase):
    def test_parts(self):
        cases = {
            "bytes=0-0": (b"a", "bytes 0-0/26"),
            "bytes=2-5": (b"cdef", "bytes 2-5/26"),
            "bytes=20-": (b"uvwxyz", "bytes 20-25/26"),
            "bytes=-3": (b"xyz", "bytes 23-25/26"),
            "bytes=24-1000": (b"yz", "bytes 24-25/26"),
            "bytes=-1000": (ALPHABET, "bytes 0-25/26"),
        }
        for value, (body, content_range) in cases.items():
            with self.subTest(value):
                answer = self.get("/abc.txt", f"Range: {value}")
                self.assertEqual((answer.status, answer.body), (206, body))
                self.assertEqual(answer.headers["content-range"], content_range)

    def test_a_part_that_is_not_there(self):
        for value in ("bytes=26-", "bytes=100-200", "bytes=-0"):
            with self.subTest(value):
                answer = self.get("/abc.txt", f"Range: {value}")
                self.assertEqual(answer.status, 416)
                self.assertEqual(answer.headers["content-range"], "bytes */26")

    def test_what_cannot_be_read_is_ignored(self):
        for value in ("bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=", "bytes=99999999999999999999999-"):
            with self.subTest(value):
                self.assertIn(self.get("/abc.txt", f"Range: {value}").status, (200, 416))
        self.assertEqual(self.get("/abc.txt", "Range: bytes=5-2").body, ALPHABET)

    def test_if_range(self):
        etag = self.get("/abc.txt").headers["etag"]
        self.assertEqual(self.get("/abc.txt", "Range: bytes=0-0", f"If-Range: {etag}").status, 206)
        self.assertEqual(self.get("/abc.txt", "Range: bytes=0-0", 'If-Range: "old"').status, 200)

    def test_a_part_of_a_large_file(self):
        answer = self.get("/big.bin", "Range: bytes=1000000-9999999")
        self.assertEqual(answer.status, 206)
        self.assertTrue(answer.body == BIG[1_000_000:10_000_000])


class Hiding(FileCase):
    def assert_hidden(self, path):
        client = self.connect()
        client.send(client.request_head(path))
        answer = client.read_response()
        self.assertIn(answer.status, (400, 404), path)
        self.assertNotIn(b"secret", answer.body)
        self.assertNotIn(b"root:", answer.body)

    def test_no_way_out_by_dots_or_encodings(self):
        for path in ("/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt",
                     "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/sub/..%5c..%5csecret.txt", "/..\\secret.txt",
                     "/%252e%252e/secret.txt", "/sub/./../../secret.txt", "//etc/passwd", "/%2fetc/passwd",
                     "/abc.txt%00.html", "/..;/secret.txt", "/%c0%ae%c0%ae/secret.txt"):
            with self.subTest(path):
                self.assert_hidden(path)

    def test_no_way_out_by_links(self):
        for path in ("/way-out", "/way-out-dir/secret.txt", "/absolute"):
            with self.subTest(path):
                self.assert_hidden(path)

    def test_dot_files_do_not_exist(self):
        for path in ("/.hidden", "/.git/config", "/%2ehidden", "/.git/", "/.git"):
            with self.subTest(path):
                self.assert_hidden(path)

    def test_what_is_no_file_does_not_exist(self):
        for path in ("/fifo", "/abc.txt/", "/abc.txt/more", "/nothing", "/" + "n" * 300):
            with self.subTest(path):
                self.assert_hidden(path)


class Load(FileCase):
    def test_a_large_file_arrives_whole(self):
        answer = self.get("/big.bin")
        self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(BIG).digest())

    def test_several_readers_of_a_large_file_at_once(self):
        bodies = []

        def read():
            with Client(self.daemon.address) as client:
                bodies.append(client.request("/big.bin").body == BIG)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(bodies, [True] * 4)

    def test_many_pipelined_requests(self):
        client = self.connect()
        client.send(b"".join(client.request_head(path) for path in ("/abc.txt", "/nothing", "/sub/") * 100))
        for _ in range(100):
            self.assertEqual(client.read_response().body, ALPHABET)
            self.assertEqual(client.read_response().status, 404)
            self.assertEqual(client.read_response().body, b"sub")

    def test_large_and_small_pipelined(self):
        client = self.connect()
        client.send((client.request_head("/big.bin") + client.request_head("/abc.txt")) * 2)
        for _ in range(2):
            self.assertTrue(client.read_response().body == BIG)
            self.assertEqual(client.read_response().body, ALPHABET)

    def test_readers_that_leave_halfway_leave_nothing_open(self):
        before = self.daemon.descriptors()
        for number in range(20):
            client = Client(self.daemon.address)
            client.send(client.request_head("/big.bin"))
            client.read(100_000)
            client.reset() if number % 2 else client.close()
        wait_until(lambda: self.daemon.descriptors() <= before, "files of readers that left are closed")
