"""Keeps a token endpoint busy until SIGTERM: load.py URL FOLDER [CONNECTIONS].

FOLDER/tokens gets every token of a 200, a line each; FOLDER/answers every byte that came.
At the end a line of JSON says how the requests ended. A program of its own, so that the
moment at which a test kills a process has nothing to do with what is in flight here.
"""
import json
import pathlib
import select
import signal
import socket
import sys
import urllib.parse

from chancery import basic


class Connection:
    def __init__(self, address, poll):
        self.address, self.poll = address, poll
        self.open()

    def open(self):
        self.socket = socket.create_connection(self.address, 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""
        self.poll.register(self.socket, select.EPOLLIN)

    def close(self):
        self.poll.unregister(self.socket)
        self.socket.close()


class Load:
    def __init__(self, url, folder, connections):
        at = urllib.parse.urlsplit(url)
        body = b"grant_type=client_credentials"
        self.request = (
            f"POST {at.path} HTTP/1.1\r\nHost: {at.netloc}\r\n"
            f"Authorization: {basic('bench', 'bench-secret')}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        self.poll = select.epoll()
        self.ends = {}
        self.stopping = False
        self.tokens = open(folder / "tokens", "wb", buffering=1 << 16)
        self.answers = open(folder / "answers", "wb", buffering=1 << 16)
        self.connections = {}
        for _ in range(connections):
            c = Connection((at.hostname, at.port), self.poll)
            self.connections[c.socket.fileno()] = c
            c.socket.sendall(self.request)

    def count(self, how):
        self.ends[how] = self.ends.get(how, 0) + 1

    def renew(self, c):
        del self.connections[c.socket.fileno()]
        c.close()
        if not self.stopping:
            c.open()
            self.connections[c.socket.fileno()] = c
            c.socket.sendall(self.request)

    def read(self, c):
        try:
            data = c.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.count("half" if c.got else "none")
            self.renew(c)
            return
        self.answers.write(data)
        c.got += data
        head, end, body = c.got.partition(b"\r\n\r\n")
        if not end:
            return
        fields = head.lower()
        length = int(fields.partition(b"content-length:")[2].split(None, 1)[0])
        if len(body) >= length:
            self.finish(c, int(head.split(None, 2)[1]), body, length,
                        b"connection: close" in fields)

    def finish(self, c, status, body, length, closes):
        self.count(str(status) if len(body) == length else "long")
        if status == 200:
            self.tokens.write(json.loads(body)["access_token"].encode() + b"\n")
        c.got = b""
        if closes or self.stopping:
            self.renew(c)
        else:
            c.socket.sendall(self.request)

    def run(self):
        def stop(*_):
            self.stopping = True

        signal.signal(signal.SIGTERM, stop)
        print("busy", flush=True)
        while self.connections:
            ready = self.poll.poll(10)
            if not ready:  # an answer that never comes
                self.count("never")
                break
            for fd, _ in ready:
                if fd in self.connections:
                    self.read(self.connections[fd])
        self.tokens.close()
        self.answers.close()
        print(json.dumps(self.ends), flush=True)


if __name__ == "__main__":
    Load(sys.argv[1], pathlib.Path(sys.argv[2]),
         int(sys.argv[3]) if len(sys.argv) > 3 else 8).run()
