"""What the tests share: their list, the services they use, and what a person does on the page."""

import http.cookiejar
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

# Of each kind ("scripted": over answers from a script; "real": over a model): sentence and body, in order.
TESTS = {"scripted": [], "real": []}


def test(sentence, kind="scripted"):
    """A test is a sentence; its body gets a page that is signed in as the owner, and the service."""

    def keep(body):
        TESTS[kind].append((sentence, body))
        return body

    return keep


class Service:
    """The fixture, on a port of its own, with a data folder that goes with it."""

    def __init__(self, fixture, payloads="", port=8199, folder=None):
        self.fixture = fixture
        self.port = port
        self.folder = folder or tempfile.mkdtemp(prefix="primer-page-")
        self.address = f"http://127.0.0.1:{port}"
        command = [fixture, self.folder, str(port)]
        self.has_payloads = pathlib.Path(payloads).is_file()
        if self.has_payloads:
            command.append(payloads)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.link = self.process.stdout.readline().strip()

    def end(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class RealService:
    """`primer serve` over a model of this machine."""

    def __init__(self, primer, model, port=8199, options=()):
        self.folder = tempfile.mkdtemp(prefix="primer-page-")
        self.port = port
        self.log = open(pathlib.Path(self.folder) / "log", "w")
        self.process = subprocess.Popen(
            [primer, "serve", "--model", model, "--port", str(port), "--data", self.folder, *options],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.address, self.link, self.key = ready["url"], ready["link"], ready["key"]
        self.primer, self.model = primer, ready["models"][0]

    def end(self):
        self.process.terminate()
        self.process.wait(90)
        shutil.rmtree(self.folder, ignore_errors=True)


class Proxy:
    """Stands between a browser and a service, and breaks every connection when told to."""

    def __init__(self, service, port):
        self.address = f"http://127.0.0.1:{port}"
        self.target = ("127.0.0.1", service.port)
        self.open = []
        self.broken = 0
        self.socket = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            self.open += [near, far]
            for source, sink in [(near, far), (far, near)]:
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            one.close()

    def cut(self):
        """Breaks the connections that there are; new ones are carried again."""
        self.broken += len(self.open)
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def end(self):
        self.cut()
        self.socket.close()


class Client:
    """The owner, without a browser."""

    def __init__(self, service):
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        self.address = service.address
        self.csrf = ""
        self.opener.open(service.link).read()
        self.csrf = self.call("GET", "me")["csrf"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.address}/api/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-CSRF-Token": self.csrf})
        try:
            with self.opener.open(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refused:
            if refused.code != 429:
                raise
            time.sleep(0.05)
            return json.loads(refused.read())


def ask(page, text):
    page.fill("#question", text)
    page.press("#question", "Enter")


def answered(page):
    page.wait_for_function(
        """() => { const all = document.querySelectorAll('.message.assistant');
        return all.length && !document.querySelector('.writing') }""", timeout=180000)


def said(page, text):
    """Asks, and waits for the whole answer."""
    before = page.locator(".message.user").count()
    ask(page, text)
    page.wait_for_function("(before) => document.querySelectorAll('.message.user').length > before", arg=before)
    answered(page)


def last_answer(page):
    return page.locator(".message.assistant .text").last.inner_text()


def new(page):
    page.click("#new")
    page.wait_for_selector(".welcome")


def reload(page):
    page.reload()
    page.wait_for_selector(".message")


def get(page, path):
    """JSON of the service, as the page's user."""
    return page.evaluate("(path) => fetch('/api/' + path).then((answer) => answer.json())", path)


def conversation(page):
    """The open conversation, as the service keeps it."""
    return get(page, "conversations/" + page.evaluate("location.hash.slice(3)"))


def serve_files(context, folder):
    """Lets the page's files come from `folder`, where it has them: no build after a change of the page."""
    folder = pathlib.Path(folder)
    kinds = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}

    def answer(route):
        name = route.request.url.split("?")[0].split("/", 3)[-1].split("#")[0] or "index.html"
        file = folder / name
        if route.request.method != "GET" or not file.is_file():
            return route.continue_()
        # The headers of the service's own page, and with them its policy of what may run.
        headers = route.fetch(url=route.request.url.split("/", 3)[0] + "//" + route.request.url.split("/")[2] + "/").headers
        headers["content-type"] = kinds[file.suffix]
        headers.pop("content-length", None)
        route.fulfill(status=200, headers=headers, body=file.read_bytes())

    for ending in ("js", "css", "html"):
        context.route(f"**/*.{ending}", answer)
    context.route(re.compile(r"^https?://[^/]+/(#.*|\?.*)?$"), answer)
