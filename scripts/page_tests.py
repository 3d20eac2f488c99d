"""What the chat page does, seen in a browser. Each test is a sentence; run by scripts/page."""

import argparse
import http.client
import http.cookiejar
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from oidc_provider_mock import run_server_in_thread
from playwright.sync_api import sync_playwright

TESTS = []


def test(sentence):
    def keep(body):
        TESTS.append((sentence, body))
        return body

    return keep


class Service:
    """The fixture, on a port of its own, with a data folder that goes with it."""

    def __init__(self, fixture, payloads, port=8199, folder=None):
        self.fixture = fixture
        self.folder = folder or tempfile.mkdtemp(prefix="primer-page-")
        self.address = f"http://127.0.0.1:{port}"
        command = [fixture, self.folder, str(port)]
        if pathlib.Path(payloads).is_file():
            command.append(payloads)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.link = self.process.stdout.readline().strip()

    def end(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


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


def last_answer(page):
    return page.locator(".message.assistant .text").last.inner_text()


def new(page):
    page.click("#new")
    page.wait_for_selector(".welcome")


@test("a question is answered as if typed, and its conversation stands in the list")
def chat(page, service):
    ask(page, "hello there")
    answered(page)
    assert "you said hello there" in last_answer(page)
    page.wait_for_selector("#list a[aria-current=page]")
    assert page.inner_text("#list a[aria-current=page]") == "hello there"
    assert "tokens/s" in page.inner_text(".counter")


@test("stopping keeps what was written")
def stop(page, service):
    ask(page, "slow one")
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.includes('word3')")
    page.keyboard.press("Escape")
    answered(page)
    text = last_answer(page)
    assert "word3" in text and "word100" not in text, text
    page.reload()
    page.wait_for_selector(".message.assistant")
    assert last_answer(page).strip() == text.strip()


@test("an answer again is a version beside the first, and versions can be gone through")
def regenerate(page, service):
    ask(page, "twice please")
    answered(page)
    first = last_answer(page)
    page.locator(".message.assistant").hover()
    page.click("[aria-label='Answer again']")
    page.wait_for_selector("text=2 / 2")
    answered(page)
    assert last_answer(page) != first
    page.click("[aria-label='Previous version']")
    page.wait_for_selector("text=1 / 2")
    assert last_answer(page) == first


@test("an edited question is a branch, and the old one stays")
def branch(page, service):
    ask(page, "before")
    answered(page)
    page.locator(".message.user").hover()
    page.click("[aria-label='Edit, and ask again']")
    page.fill(".editing textarea", "after")
    page.click("text=Ask again")
    page.wait_for_selector("text=you said after")
    answered(page)
    page.locator(".message.user [aria-label='Previous version']").click()
    page.wait_for_selector("text=you said before")
    page.reload()
    page.wait_for_selector("text=you said before")


@test("a reload in mid-answer reads on, with nothing lost and nothing twice")
def reload(page, service):
    ask(page, "slow two")
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.includes('word5 ')")
    page.reload()
    page.wait_for_selector(".writing")
    answered(page)
    assert last_answer(page).split() == [f"word{n}" for n in range(1, 101)]


@test("of two answers without names one is voted for, and that one is gone on with")
def vote(page, service):
    page.click("#two")
    ask(page, "compare")
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')")
    right = page.locator(".pair .text").nth(1).inner_text()
    page.click("text=B is better")
    page.wait_for_selector("text=2 / 2")
    assert last_answer(page) == right
    page.click("#two")


@test("too crowded: the wait is shown, and the page asks again by itself")
def crowded(page, service):
    ask(page, "crowded house")
    page.wait_for_selector("text=Too many people")
    page.check("#crowded input")
    page.wait_for_selector("text=you said crowded house", timeout=10000)
    assert page.is_hidden("#crowded")


@test("thumbs are kept with their reason")
def thumbs(page, service):
    ask(page, "judge me")
    answered(page)
    page.click("[aria-label='Bad answer']")
    page.fill("#prompt textarea", "too short")
    page.click("#prompt button.primary")
    page.wait_for_selector("#prompt", state="hidden")
    page.reload()
    page.wait_for_selector("[aria-label='Bad answer'][aria-pressed=true]")


@test("conversations are renamed, found and deleted")
def conversations(page, service):
    ask(page, "a needle")
    answered(page)
    page.click("#list li:has([aria-current]) button")
    page.click("#row-menu >> text=Rename")
    page.fill("#prompt input", "haystack")
    page.click("#prompt button.primary")
    page.wait_for_selector("#list a:has-text('haystack')")
    page.fill("#search", "needle")
    page.wait_for_function("() => document.querySelectorAll('#list a').length == 1")
    page.fill("#search", "")
    with page.expect_download() as download:
        page.click("#list li:has([aria-current]) button")
        page.click("#row-menu >> text=Markdown")
    assert "# haystack" in pathlib.Path(download.value.path()).read_text()
    page.click("#list li:has([aria-current]) button")
    page.click("#row-menu >> text=Delete")
    page.click("#prompt button.danger")
    page.wait_for_selector(".welcome")
    page.wait_for_selector("#list a:has-text('haystack')", state="detached")


@test("system text, role and sampling are kept with the conversation")
def settings(page, service):
    ask(page, "settings")
    answered(page)
    page.click("#open-settings")
    page.select_option("#role", "A terse expert")
    page.fill("#set-temperature", "0.3")
    page.click("#settings button.primary")
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_selector(".message.assistant")
    page.click("#open-settings")
    assert "three sentences" in page.input_value("#system")
    assert page.input_value("#set-temperature") == "0.3"
    page.keyboard.press("Escape")


@test("an answer of 10,000 words of every kind never takes the page 50 ms of processor in one piece")
def smooth(page, service):
    # Time of the processor, not of the clock: a busy machine must not fail the page.
    session = page.context.new_cdp_session(page)
    events, ended = [], []
    session.on("Tracing.dataCollected", lambda found: events.extend(found["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    session.send("Tracing.start", {"traceConfig": {"includedCategories": ["toplevel", "blink.user_timing"]}})
    page.evaluate("performance.mark('here')")
    ask(page, "long 10000")
    answered(page)
    page.wait_for_timeout(1000)
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(100)
    here = next(one for one in events if one["name"] == "here")
    tasks = [one.get("tdur", 0) / 1000 for one in events
             if "RunTask" in one["name"] and one["pid"] == here["pid"] and one["tid"] == here["tid"]]
    long = [round(one) for one in tasks if one > 50]
    print(f"      {len(tasks)} tasks, longest {max(tasks):.0f} ms of processor")
    assert len(tasks) > 1000 and not long, long
    assert len(last_answer(page)) > 30000


@test("a conversation of 500 messages opens in 200 ms")
def large(page, service):
    conversation = page.evaluate("""async () => {
        const me = await (await fetch('/api/me')).json();
        const send = async (path, body) => (await (await fetch('/api/' + path, { method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf },
            body: JSON.stringify(body) })).json());
        const { id } = await send('conversations', { title: 'Large' });
        let parent = null;
        for (let n = 0; n < 250; n++) {
            const asked = await send(`conversations/${id}/messages`, { content: 'show ' + n, parent });
            parent = asked.answers[0].id;
            await (await fetch('/api/streams/' + parent)).text();
        }
        return id;
    }""")
    times = []
    for _ in range(3):
        new(page)
        times.append(page.evaluate("""async (id) => {
            const start = performance.now();
            location.hash = 'c/' + id;
            while (document.querySelectorAll('.message').length < 500) await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            return performance.now() - start; }""", conversation))
    print(f"      opened in {sorted(times)[1]:.0f} ms (median of 3)")
    assert sorted(times)[1] < 200, times


@test("nothing of the list of attacks runs, in answers, questions or titles")
def attacks(page, service):
    total = 0
    page.evaluate("""() => { window.ran = 0;
        for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => { window.ran += 1; }; }""")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    outside = []
    page.on("request", lambda request: outside.append(request.url)
            if not request.url.startswith((service.address, "data:", "blob:")) else None)
    for start in range(0, 6700, 100):
        new(page)
        ask(page, f"payloads {start}")
        answered(page)
        page.evaluate("for (const node of document.querySelectorAll('.message')) node.fill?.()")
        total += page.evaluate("document.querySelector('.message.assistant .text').textContent.length")
        strange = page.evaluate("""() => document.querySelectorAll('#log script, #log iframe, #log object, #log embed, #log style, '
            + '#log [onerror], #log [onload], #log [onclick], #log a[href^="javascript" i], #log form[action], #log base').length""")
        assert strange == 0, start
    assert page.evaluate("window.ran") == 0 and not dialogs, dialogs
    assert not outside, outside
    print(f"      {total} characters of attacks shown")
    assert total > 100000 or not service.link, total
    new(page)
    ask(page, "<img src=x onerror=alert(1)> <b>bold</b>")
    answered(page)
    assert page.evaluate("window.ran") == 0
    assert "<img" in page.inner_text(".message.user") and "<img" in page.inner_text("#title")


@test("axe finds nothing wrong: welcome, conversation, settings, administration; light and dark")
def accessible(page, service):
    def check(place):
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        wrong = [(one["id"], one["nodes"][0]["html"][:150]) for one in found.response["violations"]]
        assert not wrong, (place, wrong)

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        new(page)
        check("welcome")
        ask(page, "show")
        answered(page)
        page.wait_for_timeout(500)
        check("conversation")
        page.click("#open-settings")
        check("settings")
        page.keyboard.press("Escape")
        page.click("#open-admin")
        page.wait_for_selector(".now")
        check("administration")


@test("with the keyboard alone: ask, find, open")
def keyboard(page, service):
    page.wait_for_selector("#question:focus")
    page.keyboard.type("typed")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=you said typed")
    answered(page)
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message")


@test("at the width of a phone nothing sticks out, and the list opens and closes")
def phone(page, service):
    page.set_viewport_size({"width": 360, "height": 740})
    ask(page, "show")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.getElementById('log').scrollWidth - document.getElementById('log').clientWidth") <= 0
    page.click("#side-open")
    page.wait_for_selector("#side-close", state="visible")
    page.keyboard.press("Enter")
    page.wait_for_function("() => getComputedStyle(document.getElementById('side')).visibility == 'hidden'")


@test("an account made by the administrator signs in with its password, and sees nothing of others")
def accounts(page, service):
    page.click("#open-admin")
    page.fill("#admin input[name=name]", "ann")
    page.fill("#admin input[name=password]", "a long password")
    page.click("#admin form.row button.primary")
    page.wait_for_selector("#admin td:has-text('ann')")
    other = page.context.browser.new_context().new_page()
    other.goto(service.address)
    other.wait_for_selector("#sign-in-form")
    other.fill("[name=name]", "ann")
    other.fill("[name=password]", "wrong password")
    other.click("#sign-in-form button")
    other.wait_for_selector("#sign-in-error:has-text('wrong')")
    other.fill("[name=password]", "a long password")
    other.click("#sign-in-form button")
    other.wait_for_selector(".welcome")
    assert other.locator("#list a").count() == 0 and other.is_hidden("#open-admin")
    other.context.close()


@test("an administrator ranks answers, and the ranking is counted")
def rank(page, service):
    page.click("#open-admin")
    page.wait_for_selector(".labelling")
    page.fill(".labelling textarea", "rank these")
    page.click("text=Write answers")
    page.wait_for_selector(".ranking li:nth-child(3) p")
    first = page.get_attribute(".ranking li:first-child", "data-id")
    page.locator(".ranking li").first.get_by_text("Worse").click()
    assert page.get_attribute(".ranking li:nth-child(2)", "data-id") == first
    page.click("text=Save this order")
    page.wait_for_function("() => document.querySelectorAll('.ranking li').length == 0")
    counts = page.evaluate("fetch('/api/admin').then((answer) => answer.json())")["feedback"]
    assert counts["ranking"] == 1, counts


@test("the end of the conversation stays in view, until the reader scrolls away from it")
def sticking(page, service):
    bottom = "() => { const log = document.getElementById('log'); return log.scrollHeight - log.scrollTop - log.clientHeight; }"
    for text in ["show", "one", "show", "two", "slow three"]:
        ask(page, text)
        page.wait_for_timeout(200)
        if text != "slow three":
            answered(page)
        page.wait_for_timeout(200)
        assert page.evaluate(bottom) < 60, (text, page.evaluate(bottom))
    page.mouse.move(600, 300)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1000)
    assert page.evaluate(bottom) > 200
    page.keyboard.press("Escape")
    answered(page)


@test("kill -9 at any moment loses no acknowledged question, and leaves no answer being written")
def killed(page, service):
    folder = tempfile.mkdtemp(prefix="primer-kill-")
    acknowledged = {}
    for turn in range(6):
        other = Service(service.fixture, "", port=8200, folder=folder)
        client = Client(other)
        for question, content in acknowledged.items():
            kept = {one["id"]: one for one in client.call("GET", f"conversations/{content[0]}")["messages"]}
            assert kept[question]["content"] == content[1]
            assert all(one["state"] != "writing" for one in kept.values())
        talk = client.call("POST", "conversations", {})["id"]
        deadline = time.time() + random.uniform(0.1, 0.8)
        killer = threading.Timer(deadline - time.time(), other.process.kill)
        killer.start()
        number = 0
        try:
            while time.time() < deadline + 1:
                text = f"turn {turn} question {number}"
                asked = client.call("POST", f"conversations/{talk}/messages", {"content": text})
                if asked.get("question"):
                    acknowledged[asked["question"]["id"]] = (talk, text)
                number += 1
        except (OSError, http.client.HTTPException):
            pass
        killer.join()
        other.process.wait(20)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"      {len(acknowledged)} questions acknowledged over 6 kills")
    assert len(acknowledged) > 20


@test("a real OpenID Connect provider signs a new user in, again as the same, and a refusal is said")
def openid(page, service):
    with run_server_in_thread() as provider:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="primer-openid-"))
        (folder / "secret").write_text("whatever")
        (folder / "sign-in.json").write_text(json.dumps({"providers": [{
            "id": "mock", "name": "Mock", "issuer": f"http://localhost:{provider.server_port}", "client_id": "primer",
            "secret_file": "secret"}]}))
        other = Service(service.fixture, "", port=8201, folder=str(folder))
        try:
            sign_in_by_provider(page.context.browser, other)
        finally:
            other.end()


def sign_in_by_provider(browser, service):
    def fresh():
        page = browser.new_context().new_page()
        page.set_default_timeout(15000)
        # The provider's page asks for a style sheet of elsewhere.
        page.route("**/*", lambda route: route.continue_() if "localhost" in route.request.url
                   or "127.0.0.1" in route.request.url else route.abort())
        page.goto(service.address)
        page.click("text=Sign in with Mock")
        return page

    who = []
    for _ in range(2):
        page = fresh()
        page.fill("[name=sub]", "alice")
        page.click("text=Authorize >> nth=-1")
        page.wait_for_selector(".welcome")
        who.append(page.evaluate("fetch('/api/me').then((answer) => answer.json())")["user"])
        cookies = page.context.cookies(service.address)
        assert all(one["httpOnly"] and one["sameSite"] == "Lax" for one in cookies), cookies
        assert page.url == service.address + "/", page.url
        ask(page, "hello from alice")
        answered(page)
        page.context.close()
    assert who[0]["id"] == who[1]["id"] and who[0]["role"] == "user" and who[0]["name"] == "alice", who
    page = fresh()
    page.click("text=Deny")
    page.wait_for_selector("#sign-in-error:has-text('did not sign you in')")
    page.context.close()


def pictures(browser, service, state, folder):
    for name, scheme, size in [
        ("light", "light", (1280, 860)), ("dark", "dark", (1280, 860)), ("phone", "light", (390, 844)),
    ]:
        context = browser.new_context(
            storage_state=state, color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        page.goto(service.address)
        page.wait_for_selector(".welcome")
        ask(page, "show")
        answered(page)
        page.wait_for_timeout(800)
        page.evaluate("document.getElementById('log').scrollTop = 0")
        page.wait_for_timeout(200)
        page.screenshot(path=str(pathlib.Path(folder) / f"{name}.png"))
        context.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fixture", required=True)
    parser.add_argument("--payloads", default="")
    parser.add_argument("--pictures")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    service = Service(arguments.fixture, arguments.payloads)
    ran = failures = 0
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            context = browser.new_context()
            page = context.new_page()
            page.goto(service.link)
            page.wait_for_selector(".welcome")
            state = context.storage_state()
            for sentence, body in TESTS:
                if arguments.only not in body.__name__:
                    continue
                context = browser.new_context(storage_state=state, viewport={"width": 1200, "height": 800})
                page = context.new_page()
                errors = []
                page.on("pageerror", lambda error: errors.append(str(error)))
                page.set_default_timeout(15000)
                started = time.time()
                ran += 1
                try:
                    page.goto(service.address)
                    page.wait_for_selector(".welcome")
                    body(page, service)
                    assert not errors, errors
                    print(f"ok    {sentence} ({time.time() - started:.1f} s)")
                except Exception as error:
                    failures += 1
                    print(f"FAIL  {sentence}: {type(error).__name__} {str(error)[:600]}")
                context.close()
            if arguments.pictures:
                pictures(browser, service, state, arguments.pictures)
            browser.close()
    finally:
        service.end()
    print(f"{ran - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


main()
