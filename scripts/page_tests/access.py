"""Who gets in, and how: sign-in, accounts, keyboard, screen readers, small windows, light and dark."""

import http.client
import json
import pathlib
import random
import shutil
import tempfile
import threading
import time

from axe_playwright_python.sync_playwright import Axe
from session import Client, Proxy, Service, answered, ask, get, last_answer, new, said, test


@test("axe finds nothing wrong, in light and dark, wide and narrow: every view, dialogs and notices included")
def accessible(page, service):
    def check(place):
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        wrong = [(one["id"], one["nodes"][0]["html"][:150]) for one in found.response["violations"]]
        assert not wrong, (place, wrong)

    for scheme, size in [("light", (1200, 800)), ("dark", (1200, 800)), ("light", (390, 800))]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(service.address)
        page.wait_for_selector(".welcome")
        check("welcome")
        said(page, "show")
        page.wait_for_timeout(500)
        check("conversation")
        page.click("[aria-label='Bad answer']")
        page.fill("#prompt textarea", "unclear")
        check("reason")
        page.click("#prompt button.primary")
        page.wait_for_selector(".opinions p")
        said(page, "insult")
        ask(page, "harm ")
        page.wait_for_selector(".notice")
        check("moderated")
        ask(page, f"crowded {scheme} {size}")
        page.wait_for_selector("text=Too many people")
        check("crowded")
        page.click("#open-settings")
        check("settings")
        page.keyboard.press("Escape")
        page.goto(service.address)
        page.wait_for_selector(".welcome")
        page.click("#two")
        ask(page, "compare")
        page.wait_for_selector(".votes")
        page.wait_for_function("() => !document.querySelector('.writing')")
        check("two answers")
        page.click("#two")
        page.evaluate("location.hash = 'admin'")
        page.wait_for_selector(".now")
        check("administration")
        page.evaluate("location.hash = 'label'")
        page.wait_for_selector("#labelling textarea")
        page.fill("#labelling textarea", "rank")
        page.click("text=Write answers")
        page.wait_for_selector(".ranking li:nth-child(3) p")
        check("labelling")
        other = page.context.browser.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        outside = other.new_page()
        outside.goto(service.address)
        outside.wait_for_selector("#sign-in-form")
        found = Axe().run(outside, options={"resultTypes": ["violations"]}).response["violations"]
        assert not found, ("sign-in", found)
        other.close()


@test("with the keyboard alone: ask, stop, judge, find, open, rename")
def keyboard(page, service):
    page.wait_for_selector("#question:focus")
    page.keyboard.type("slow typed")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("of two lines")
    page.keyboard.press("Enter")
    page.wait_for_selector(".writing >> text=word2")
    page.keyboard.press("Escape")
    answered(page)
    page.focus("[aria-label='Good answer']")
    page.keyboard.press("Space")
    page.wait_for_selector("#prompt textarea:focus")
    page.keyboard.press("Escape")
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=true]:focus")
    page.keyboard.press("Control+k")
    page.wait_for_selector("#search:focus")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#row-menu button:focus")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#row-menu button:nth-child(2):focus")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#prompt input:focus")
    page.keyboard.type("renamed by hand")
    page.keyboard.press("Enter")
    page.wait_for_selector("#list a:has-text('renamed by hand')")
    page.keyboard.press("Control+k")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".message")


@test("a screen reader hears when an answer begins, is complete, and was refused")
def heard(page, service):
    page.evaluate("""() => { window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById('status').textContent))
            .observe(document.getElementById('status'), { childList: true }); }""")
    said(page, "aloud")
    assert page.evaluate("heard") == ["An answer is being written", "The answer is complete"]
    assert page.get_attribute("#status", "role") == "status"
    ask(page, "harm ")
    page.wait_for_selector(".notice")
    assert page.evaluate("heard").pop() == "The question was refused"
    assert page.locator("article[aria-label=Answer]").count() == 2
    assert page.locator("article[aria-label=You]").count() == 2


@test("at the width of a phone nothing sticks out, and the list opens and closes")
def phone(page, service):
    page.set_viewport_size({"width": 360, "height": 740})
    wide = """() => [...document.querySelectorAll('#log, #admin, #labelling, html')].filter((one) => one.offsetParent || one === document.documentElement)
        .filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.id || one.nodeName} ${one.scrollWidth}`)"""
    said(page, "show")
    said(page, "insult " + "n" * 300)
    assert page.evaluate(wide) == [], page.evaluate(wide)
    page.click("#side-open")
    page.wait_for_selector("#side-close", state="visible")
    page.keyboard.press("Enter")
    page.wait_for_function("() => getComputedStyle(document.getElementById('side')).visibility == 'hidden'")
    page.click("#two")
    ask(page, "show me two")
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')")
    assert page.evaluate(wide) == [], page.evaluate(wide)
    for place in ["admin", "label"]:
        page.evaluate("(place) => { location.hash = place; }", place)
        page.wait_for_selector(".now" if place == "admin" else "#labelling textarea")
        assert page.evaluate(wide) == [], (place, page.evaluate(wide))


@test("light or dark is the system's until one is chosen, and the choice stays")
def theme(page, service):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert light != dark
    page.click("#theme")
    assert page.evaluate(ground) == dark
    page.reload()
    page.wait_for_selector(".welcome")
    assert page.evaluate(ground) == dark
    page.click("#theme")
    assert page.evaluate(ground) == light
    page.evaluate("localStorage.clear()")


@test("the link signs in once; without a session the page asks for a name, and signing out ends it")
def link(page, service):
    other = page.context.browser.new_context().new_page()
    other.goto(service.link)
    other.wait_for_selector("text=That link has been used")
    other.context.close()
    ended = page.context.browser.new_context(storage_state=page.context.storage_state()).new_page()
    ended.goto(service.address)
    ended.wait_for_selector(".welcome")
    # A session of its own, so that the others stay.
    Account(ended, service).make("leaver", "a long password")
    ended.context.close()
    left = sign_in(page.context.browser, service, "leaver", "a long password")
    cookies = left.context.cookies()
    left.click("#sign-out")
    left.wait_for_selector("#sign-in-form")
    left.context.add_cookies(cookies)
    left.goto(service.address)
    left.wait_for_selector("#sign-in-form")
    left.context.close()


class Account:
    """Accounts, as the administrator makes them on the page."""

    def __init__(self, page, service):
        self.page = page

    def make(self, name, password):
        page = self.page
        page.evaluate("location.hash = 'admin'")
        page.fill("#admin input[name=name]", name)
        page.fill("#admin input[name=password]", password)
        page.click("#admin form.row button.primary")
        page.wait_for_selector(f"#admin td:has-text('{name}')")


def sign_in(browser, service, name, password):
    page = browser.new_context().new_page()
    page.set_default_timeout(15000)
    page.goto(service.address)
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("#sign-in-form button")
    page.wait_for_selector(".welcome")
    return page


@test("an account made by the administrator signs in with its password, and sees nothing of others")
def accounts(page, service):
    said(page, "mine alone")
    place = page.url
    Account(page, service).make("ann", "a long password")
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
    other.goto(place)
    other.wait_for_selector("text=there is no such conversation")
    assert other.locator(".message").count() == 0
    for hidden in ["admin", "label"]:
        other.evaluate("(place) => { location.hash = place; }", hidden)
        other.wait_for_selector(".welcome")
        assert other.is_hidden("#admin") and other.is_hidden("#labelling")
    other.context.close()


@test("connections that break in mid-answer are taken up again, with nothing lost and nothing twice")
def broken_connection(page, service):
    Account(page, service).make("dora", "a long password")
    proxy = Proxy(service, service.port + 3)
    try:
        other = sign_in(page.context.browser, proxy, "dora", "a long password")
        ask(other, "slow three")
        for word in ["word5 ", "word30 "]:
            other.wait_for_function("(word) => document.querySelector('.writing .text')?.textContent.includes(word)", arg=word)
            proxy.cut()
        answered(other)
        assert last_answer(other).split() == [f"word{n}" for n in range(1, 101)]
        assert proxy.broken >= 4
        other.context.close()
    finally:
        proxy.end()


@test("a new password takes the place of the old one, and signs out everywhere")
def password(page, service):
    Account(page, service).make("carl", "a long password")
    here = sign_in(page.context.browser, service, "carl", "a long password")
    there = sign_in(page.context.browser, service, "carl", "a long password")
    here.click("#open-settings")
    here.fill("#password", "another password")
    here.click("#settings button.primary")
    for one in [here, there]:
        if one is there:
            one.reload()
        one.wait_for_selector("#sign-in-form")
        one.context.close()
    sign_in(page.context.browser, service, "carl", "another password").context.close()
    other = page.context.browser.new_context().new_page()
    other.goto(service.address)
    other.fill("[name=name]", "carl")
    other.fill("[name=password]", "a long password")
    other.click("#sign-in-form button")
    other.wait_for_selector("#sign-in-error:has-text('wrong')")
    other.context.close()


@test("a user whom the administrator disables is signed out, and back when enabled")
def disabled(page, service):
    Account(page, service).make("bob", "a long password")
    other = sign_in(page.context.browser, service, "bob", "a long password")
    row = page.locator("#admin tr", has_text="bob")
    row.get_by_role("button", name="Disable").click()
    row.get_by_role("button", name="Enable").wait_for()
    other.reload()
    other.wait_for_selector("#sign-in-form")
    row.get_by_role("button", name="Enable").click()
    row.get_by_role("button", name="Disable").wait_for()
    other.context.close()
    sign_in(page.context.browser, service, "bob", "a long password").context.close()


@test("a real OpenID Connect provider signs a new user in, again as the same, and a refusal is said")
def openid(page, service):
    from oidc_provider_mock import run_server_in_thread
    with run_server_in_thread() as provider:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="primer-openid-"))
        (folder / "secret").write_text("whatever")
        (folder / "sign-in.json").write_text(json.dumps({"providers": [{
            "id": "mock", "name": "Mock", "issuer": f"http://localhost:{provider.server_port}", "client_id": "primer",
            "secret_file": "secret"}]}))
        other = Service(service.fixture, port=service.port + 2, folder=str(folder))
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
        who.append(get(page, "me")["user"])
        cookies = page.context.cookies(service.address)
        assert all(one["httpOnly"] and one["sameSite"] == "Lax" for one in cookies), cookies
        assert page.url == service.address + "/", page.url
        said(page, "hello from alice")
        page.context.close()
    assert who[0]["id"] == who[1]["id"] and who[0]["role"] == "user" and who[0]["name"] == "alice", who
    page = fresh()
    page.click("text=Deny")
    page.wait_for_selector("#sign-in-error:has-text('did not sign you in')")
    page.context.close()


@test("kill -9 at any moment loses no acknowledged question, and leaves no answer being written")
def killed(page, service):
    folder = tempfile.mkdtemp(prefix="primer-kill-")
    acknowledged = {}
    for turn in range(6):
        other = Service(service.fixture, port=service.port + 1, folder=folder)
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
