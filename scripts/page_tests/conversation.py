"""Asking, stopping, branches, reloads, and the list of conversations."""

import json
import pathlib
import re

from session import answered, ask, conversation, get, last_answer, new, reload, said, test


@test("a question is answered as if typed, and its conversation stands in the list")
def chat(page, service):
    said(page, "hello there")
    assert "you said hello there" in last_answer(page)
    page.wait_for_selector("#list a[aria-current=page]")
    assert page.inner_text("#list a[aria-current=page]") == "hello there"
    assert "tokens" in page.inner_text(".counter")


@test("while an answer comes, its tokens and their speed are those that the service counts")
def counter(page, service):
    ask(page, "slow count")
    # A word is three tokens here: whoever counts pieces or words shows a third.
    page.wait_for_function("""() => {
        const words = document.querySelector('.writing .text')?.textContent.match(/word[0-9]+/g) ?? [];
        return words.length > 3 && document.querySelector('.writing .counter').textContent.startsWith(3 * words.length + ' tokens');
    }""")
    speed = float(re.search(r"([0-9.]+) tokens/s", page.inner_text(".counter")).group(1))
    assert 10 < speed < 90, speed
    page.keyboard.press("Escape")
    answered(page)
    kept = conversation(page)["messages"][1]
    words = len(re.findall("word[0-9]+", kept["content"]))
    assert kept["tokens"] == 3 * words, kept
    shown = page.inner_text(".counter")
    assert shown.startswith(f"{kept['tokens']} tokens"), shown
    reload(page)
    assert page.inner_text(".counter") == shown


@test("stopping keeps what was written")
def stop(page, service):
    ask(page, "slow one")
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.includes('word3')")
    page.click("#stop-all")
    answered(page)
    text = last_answer(page)
    assert "word3" in text and "word100" not in text, text
    reload(page)
    assert last_answer(page).strip() == text.strip()


@test("an answer again is a version beside the first, and versions can be gone through")
def regenerate(page, service):
    said(page, "twice please")
    first = last_answer(page)
    page.locator(".message.assistant").hover()
    page.click("[aria-label='Answer again']")
    page.wait_for_selector("text=2 / 2")
    answered(page)
    assert last_answer(page) != first
    page.click("[aria-label='Previous version']")
    page.wait_for_selector("text=1 / 2")
    assert last_answer(page) == first


@test("an edited question is a branch, and the old one stays, with what was said after it")
def branch(page, service):
    said(page, "before")
    said(page, "and then")
    page.locator(".message.user").first.hover()
    page.click("[aria-label='Edit, and ask again'] >> nth=0")
    page.fill(".editing textarea", "after")
    page.click("text=Ask again")
    page.wait_for_selector("text=you said after")
    answered(page)
    assert page.locator(".message").count() == 2
    page.locator(".message.user [aria-label='Previous version']").click()
    page.wait_for_selector("text=you said before")
    assert page.locator(".message").count() == 4
    reload(page)
    page.wait_for_selector("text=you said and then")


@test("a reload in mid-answer reads on, with nothing lost and nothing twice")
def reload_in_answer(page, service):
    ask(page, "slow two")
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.includes('word5 ')")
    page.reload()
    page.wait_for_selector(".writing")
    answered(page)
    assert last_answer(page).split() == [f"word{n}" for n in range(1, 101)]


@test("an answer that fails says so, still does after a reload, and is tried again")
def failed(page, service):
    said(page, "break it")
    page.wait_for_selector("text=could not be finished")
    reload(page)
    assert "half a" in last_answer(page)
    page.click("text=Try again")
    page.wait_for_selector("text=2 / 2")
    answered(page)


@test("a question that was left without an answer is answered when asked to")
def unanswered(page, service):
    ask(page, "crowded out")
    page.wait_for_selector("text=Too many people")
    reload(page)
    page.click("[aria-label='Answer this question']")
    page.wait_for_selector("text=you said crowded out")


@test("too crowded: the wait is shown, and without being told to the page does not ask again")
def crowded(page, service):
    ask(page, "crowded inn")
    page.wait_for_selector("text=Too many people")
    assert re.search(r"about [12] s", page.inner_text("#crowded"))
    page.wait_for_function("() => document.querySelector('#crowded strong').textContent === '0 s'")
    page.wait_for_timeout(1200)
    assert page.locator(".message.assistant").count() == 0
    page.click("text=Ask now")
    page.wait_for_selector("text=you said crowded inn")


@test("too crowded: told to, the page asks again by itself when there should be room")
def crowded_retry(page, service):
    ask(page, "crowded house")
    page.wait_for_selector("text=Too many people")
    page.check("#crowded input")
    page.wait_for_selector("text=you said crowded house", timeout=10000)
    assert page.is_hidden("#crowded")


@test("system text, role, model and sampling are kept with the conversation, and reach the model")
def settings(page, service):
    said(page, "settings")
    page.click("#open-settings")
    assert page.get_attribute("#set-temperature", "placeholder") == "0.7"
    page.select_option("#role", "A terse expert")
    page.fill("#set-temperature", "0.3")
    page.fill("#set-seed", "41")
    page.click("#settings button.primary")
    page.wait_for_selector("#settings", state="hidden")
    page.select_option("#model", "second")
    said(page, "what were you given?")
    told = last_answer(page)
    assert "model second, temperature 0.3, seed 41" in told and "system: You are an expert" in told, told
    reload(page)
    page.click("#open-settings")
    assert "three sentences" in page.input_value("#system")
    assert page.input_value("#set-temperature") == "0.3"
    page.keyboard.press("Escape")
    assert page.input_value("#model") == "second"


@test("settings made before the first question hold for it")
def first_settings(page, service):
    page.click("#open-settings")
    page.select_option("#role", "A translator")
    page.fill("#set-temperature", "1.5")
    page.click("#settings button.primary")
    page.wait_for_selector("#settings", state="hidden")
    said(page, "what were you given?")
    assert "temperature 1.5" in last_answer(page) and "You are a translator" in last_answer(page)


@test("conversations are renamed, found, exported and deleted")
def conversations(page, service):
    said(page, "a needle")
    page.click("#list li:has([aria-current]) button")
    page.click("#row-menu >> text=Rename")
    page.fill("#prompt input", "haystack")
    page.click("#prompt button.primary")
    page.wait_for_selector("#list a:has-text('haystack')")
    page.fill("#search", "needle")
    page.wait_for_function("() => document.querySelectorAll('#list a').length == 1")
    page.fill("#search", "no such thing")
    page.wait_for_selector("text=Nothing found")
    page.fill("#search", "")
    for name, check in [
        ("Markdown", lambda text: "# haystack" in text and "you said a needle" in text),
        ("JSON", lambda text: json.loads(text)["messages"][0]["content"] == "a needle"),
    ]:
        with page.expect_download() as download:
            page.click("#list li:has([aria-current]) button")
            page.click(f"#row-menu >> text={name}")
        assert check(pathlib.Path(download.value.path()).read_text()), name
    page.click("#list li:has([aria-current]) button")
    page.click("#row-menu >> text=Delete")
    page.click("#prompt button.danger")
    page.wait_for_selector(".welcome")
    page.wait_for_selector("#list a:has-text('haystack')", state="detached")
    assert all(one["title"] != "haystack" for one in get(page, "conversations"))


@test("all conversations are exported at once")
def export(page, service):
    said(page, "take me along")
    page.click("#open-settings")
    with page.expect_download() as download:
        page.click("text=Export all conversations")
    all_of_them = json.loads(pathlib.Path(download.value.path()).read_text())
    assert any(one["conversation"]["title"] == "take me along" for one in all_of_them)


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


@test("a new conversation is empty, and the one before is found again where it was")
def addresses(page, service):
    said(page, "first of two")
    place = page.url
    new(page)
    assert page.locator(".message").count() == 0
    said(page, "second of two")
    page.goto(place)
    page.wait_for_selector("text=you said first of two")
    page.go_back()
    page.wait_for_selector("text=you said second of two")
