"""Thumbs, reasons, better answers, votes and rankings."""

from session import answered, ask, conversation, get, last_answer, new, reload, said, test


def kept(page):
    """What was said of the answers of the open conversation, by kind."""
    return {one["value"]["kind"]: one for one in conversation(page)["feedback"]}


@test("thumbs are kept with their reason, shown again after a reload, changed and taken back")
def thumbs(page, service):
    said(page, "judge me")
    page.click("[aria-label='Bad answer']")
    page.fill("#prompt textarea", "too short")
    page.click("#prompt button.primary")
    page.wait_for_selector("text=Your reason: too short")
    reload(page)
    page.wait_for_selector("[aria-label='Bad answer'][aria-pressed=true]")
    assert kept(page)["thumb"]["value"] == {"kind": "thumb", "up": False, "reason": "too short"}
    page.click(".opinions >> text=Change")
    assert page.input_value("#prompt textarea") == "too short"
    page.fill("#prompt textarea", "far too short")
    page.click("#prompt button.primary")
    page.wait_for_selector("text=Your reason: far too short")
    page.click("[aria-label='Good answer']")
    page.wait_for_selector("#prompt textarea:focus")
    page.keyboard.press("Escape")
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=true]")
    assert page.get_attribute("[aria-label='Bad answer']", "aria-pressed") == "false"
    assert kept(page)["thumb"]["value"] == {"kind": "thumb", "up": True, "reason": ""}
    page.click("[aria-label='Good answer']")
    page.wait_for_selector("[aria-label='Good answer'][aria-pressed=false]")
    reload(page)
    assert kept(page) == {} and page.locator("[aria-pressed=true]").count() == 0


@test("a better answer is kept, shown again after a reload, changed and taken back")
def better(page, service):
    said(page, "improve me")
    page.click("[aria-label='Write a better answer']")
    assert "you said improve me" in page.input_value("#prompt textarea")
    page.fill("#prompt textarea", "A **much** better one")
    page.click("#prompt button.primary")
    page.wait_for_selector("text=Your better answer")
    reload(page)
    page.click("text=Your better answer")
    assert page.inner_text(".opinions .text strong") == "much"
    assert kept(page)["better"]["value"]["text"] == "A **much** better one"
    page.click(".opinions >> text=Change")
    page.fill("#prompt textarea", "The best")
    page.click("#prompt button.primary")
    page.wait_for_function("() => document.querySelector('.opinions .text').textContent === 'The best'")
    page.click("text=Your better answer")
    page.click("text=Take back")
    page.wait_for_selector("text=Your better answer", state="detached")
    assert kept(page) == {}


@test("of two answers without names one is voted for, that one is gone on with, and the vote stays in sight")
def vote(page, service):
    page.click("#two")
    ask(page, "compare")
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')")
    assert page.locator(".pair .message").count() == 2 and page.locator(".pair .bar").count() == 0
    right = page.locator(".pair .text").nth(1).inner_text()
    page.click("text=B is better")
    page.wait_for_selector("text=2 / 2")
    assert last_answer(page) == right
    page.wait_for_selector("text=You found this answer the better of two")
    reload(page)
    page.wait_for_selector("text=You found this answer the better of two")
    page.click("[aria-label='Previous version']")
    page.wait_for_selector("text=You found the other answer better")
    answers = conversation(page)["messages"][1:]
    value = kept(page)["vote"]
    assert value["message"] == answers[0]["id"] and value["value"]["other"] == answers[1]["id"]
    assert value["value"]["choice"] == "right"
    assert answers[0]["compared"] == answers[1]["compared"] != None
    for one in answers:
        assert one["model"] == "scripted" and one["version"] == "5c417ed0a11e", one
        assert one["sampling"]["temperature"] == 0.7 and one["sampling"]["seed"] >= 0, one
    assert answers[0]["sampling"]["seed"] != answers[1]["sampling"]["seed"]
    page.click("text=Compare again")
    page.click("text=A is better")
    page.wait_for_selector("text=You found this answer the better of two")
    assert kept(page)["vote"]["value"]["choice"] == "left"


@test("of two answers both may be good, or bad")
def ties(page, service):
    for button, choice, words in [
        ("Both are good", "tie", "this answer and the other good"), ("Both are bad", "bothBad", "this answer and the other bad"),
    ]:
        new(page)
        page.click("#two")
        ask(page, choice)
        page.wait_for_selector(".votes")
        page.wait_for_function("() => !document.querySelector('.writing')")
        page.click(f"text={button}")
        page.wait_for_selector("text=" + words)
        reload(page)
        page.wait_for_selector("text=" + words)
        assert kept(page)["vote"]["value"]["choice"] == choice


@test("a reload in the middle of two answers shows both side by side again, and reads on")
def compared_reload(page, service):
    page.click("#two")
    ask(page, "slow pair")
    page.wait_for_function("() => document.querySelectorAll('.pair .writing').length == 2 && document.querySelector('.pair').textContent.includes('word4 ')")
    page.reload()
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')")
    for at in range(2):
        assert page.locator(".pair .text").nth(at).inner_text().split() == [f"word{n}" for n in range(1, 101)]
    page.click("text=Go on without saying")
    page.wait_for_selector("text=2 / 2")
    assert page.locator(".votes").count() == 0 and kept(page) == {}


@test("an administrator ranks five answers; a reload in the middle shows them again, and the order stays")
def rank(page, service):
    page.click("#open-admin")
    page.click("text=Labelling desk")
    page.fill("#labelling textarea", "rank these")
    page.select_option("#labelling select[name=count]", "5")
    page.click("text=Write answers")
    page.wait_for_selector(".ranking li:nth-child(5) p")
    page.reload()
    page.wait_for_selector(".ranking li:nth-child(5) p")
    first = page.get_attribute(".ranking li:first-child", "data-id")
    page.locator(".ranking li").first.get_by_role("button", name="Worse").click()
    assert page.get_attribute(".ranking li:nth-child(2)", "data-id") == first
    page.wait_for_function("() => !document.querySelector('.writing')")
    order = page.eval_on_selector_all(".ranking li", "(all) => all.map((one) => one.dataset.id)")
    page.click("text=Keep this order")
    page.wait_for_selector("text=Order kept")
    assert get(page, "admin")["feedback"]["ranking"] == 1
    page.reload()
    page.wait_for_selector("text=Order kept")
    assert page.eval_on_selector_all(".ranking li", "(all) => all.map((one) => one.dataset.id)") == order
    whole = get(page, "conversations/" + page.evaluate("location.hash.split('/')[1]"))
    assert whole["feedback"][0]["value"]["best"] == order
    assert len({one["sampling"]["seed"] for one in whole["messages"][1:]}) == 5
    page.click("text=Next question")
    page.wait_for_function("() => document.querySelectorAll('.ranking li').length == 0")
