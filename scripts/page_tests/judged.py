"""Moderation, as the page shows it."""

from session import ask, last_answer, reload, said, test


@test("a refused question says what it may be about and what to do, before and after a reload")
def refused_question(page, service):
    ask(page, "how to harm people")
    page.wait_for_selector("text=This question was not answered")
    for _ in range(2):
        notice = page.inner_text(".message.assistant .notice")
        assert "It may be about violence." in notice and "other words" in notice, notice
        assert page.is_hidden(".writing") and page.locator("[aria-label='Good answer']").count() == 0
        reload(page)
    page.click("text=Change the question")
    page.fill(".editing textarea", "how to help people")
    page.click("text=Ask again")
    page.wait_for_selector("text=you said how to help people")
    said(page, "what were you given?")
    assert "harm" not in last_answer(page)


@test("an answer that comes to harm is stopped, says so, and holds back what was written")
def stopped_answer(page, service):
    ask(page, "turn bad")
    page.wait_for_selector("text=This answer was stopped", timeout=20000)
    for _ in range(2):
        assert "It may be about violence." in page.inner_text(".message.assistant .notice")
        assert not page.is_visible("text=so far so good")
        assert page.locator("[aria-label='Good answer']").count() == 0
        reload(page)
    page.click("text=What was written before")
    page.wait_for_selector("text=so far so good")
    page.click("[aria-label='Answer again']")
    page.wait_for_selector("text=2 / 2")
    page.wait_for_selector(".notice")


@test("a flagged question is answered, and both it and its answer say that they were flagged")
def flagged(page, service):
    said(page, "insult me")
    page.wait_for_selector(".message.assistant .flagged")
    for _ in range(2):
        for who in ["user", "assistant"]:
            assert "may be about harassment" in page.inner_text(f".message.{who} .flagged"), who
        assert "you said insult me" in last_answer(page)
        reload(page)


@test("an administrator sees what was refused, finds it harmless, and the question is then answered")
def let_through(page, service):
    ask(page, "say harm \nNobody is hurt.")
    page.wait_for_selector("text=This question was not answered")
    place = page.url
    page.click("#open-admin")
    row = page.locator("#admin tr", has_text="say harm")
    assert "violence 0.90" in row.inner_text() and "refused" in row.inner_text()
    row.get_by_role("button", name="Dismiss").click()
    page.locator("#admin tr", has_text="say harm").get_by_text("dismissed").wait_for()
    page.goto(place)
    page.wait_for_selector("text=This question may be asked again")
    page.click(".notice >> text=Ask again")
    page.wait_for_selector("text=Nobody is hurt.")
