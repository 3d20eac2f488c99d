"""What an administrator sees and does."""

from session import answered, ask, conversation, get, new, said, test


def figure(page, section, title):
    return page.locator(f"#admin section[aria-label='{section}'] figure", has=page.locator(f"figcaption:has-text('{title}')"))


@test("the administration shows queue and load as they are now")
def load(page, service):
    page.click("#open-admin")
    page.wait_for_selector(".now")
    now = page.inner_text(".now").replace("\n\n", "\n").split("\n")
    shown = dict(zip(now[1::2], now[0::2]))
    assert shown["waiting"] == "3" and shown["tokens/s"] == "41.5" and shown["wait for a new question"] == "7.2 s", shown
    assert "now 41.5" in figure(page, "Now", "Tokens a second").inner_text()
    before = figure(page, "Now", "Waiting").locator("polyline").get_attribute("points")
    page.wait_for_function("(before) => document.querySelectorAll('#load polyline')[1].getAttribute('points') !== before", arg=before)


@test("tokens, answers, time to the first word and cost are drawn by day, and said in words")
def use(page, service):
    for text in ["count this", "slow and this"]:
        ask(page, text)
        page.wait_for_timeout(700)
        page.keyboard.press("Escape")
        answered(page)
    today = get(page, "admin")["days"][-1]
    page.click("#open-admin")
    chart = figure(page, "Use", "Tokens a day").locator("svg").get_attribute("aria-label")
    assert f"{today['day']}: {today['tokens']:,} written, {today['promptTokens']:,} read" in chart, chart
    assert figure(page, "Use", "Tokens a day").locator("rect.series-1").count() >= 1
    assert f"{today['answers']:,}" in figure(page, "Use", "Answers a day").locator("svg").get_attribute("aria-label")
    assert "Hours at work a day" in page.inner_text("#admin")
    page.fill("#price", "3600")
    page.press("#price", "Tab")
    page.wait_for_selector("figcaption:has-text('Cost a day')")
    busy = get(page, "admin")["busySeconds"]
    assert f"All answers so far: {busy:.2f}" in page.inner_text("#admin"), busy
    people = page.locator("section[aria-label=People] tbody tr")
    costs = [float(people.nth(at).locator("td").nth(6).inner_text()) for at in range(people.count())]
    assert abs(sum(costs) - busy) < 0.02 * len(costs) and costs[0] > 0, (costs, busy)
    page.evaluate("localStorage.clear()")


@test("every model is listed with its version, and whether it is loaded, what it wrote and how it was judged")
def models(page, service):
    said(page, "judged answer")
    page.click("[aria-label='Good answer']")
    page.wait_for_selector("#prompt textarea")
    page.keyboard.press("Escape")
    new(page)
    page.click("#open-admin")
    page.wait_for_selector("section[aria-label=Models] tr")
    head = page.locator("section[aria-label=Models] th").all_inner_texts()
    rows = [dict(zip(head, row.locator("td").all_inner_texts())) for row in page.locator("section[aria-label=Models] tbody tr").all()]
    first, second = rows[0], rows[1]
    assert first["Model"] == "scripted" and first["Version"] == "5c417ed0a11e" and first["State"] == "loaded", first
    assert first["Context"] == "8192" and int(first["Answers"]) > 0 and float(first["Tokens/s"]) > 0, first
    assert int(first["Good"]) >= 1
    assert second["Model"] == "second" and second["State"] == "not loaded", second


@test("feedback is counted by kind, and what was flagged by category and state")
def counts(page, service):
    said(page, "thumbed")
    page.click("[aria-label='Bad answer']")
    page.wait_for_selector("#prompt textarea")
    page.keyboard.press("Escape")
    said(page, "insulting")
    page.click("#open-admin")
    page.wait_for_selector(".bars")
    told = get(page, "admin")
    rows = lambda place: dict(zip(place.locator("dt").all_inner_texts(), place.locator("dd").all_inner_texts()))
    all_feedback = rows(figure(page, "Feedback", "All feedback"))
    assert int(all_feedback["Bad"]) == told["feedback"]["thumbDown"] >= 1, all_feedback
    by_category = rows(figure(page, "Flagged", "By category"))
    assert int(by_category["harassment"]) == sum("harassment" in one["categories"] for one in told["flags"]) >= 2
    row = page.locator("section[aria-label=Flagged] tbody tr", has_text="insulting").first
    assert "let through" in row.inner_text()
    row.get_by_role("button", name="Uphold").click()
    page.locator("section[aria-label=Flagged] tbody tr", has_text="upheld").first.wait_for()
    upheld = rows(figure(page, "Flagged", "By state"))["upheld"]
    assert int(upheld) == sum(one["state"] == "upheld" for one in get(page, "admin")["flags"]) >= 1


@test("a user's deletion takes all that is theirs")
def deletion(page, service):
    from access import Account, sign_in
    Account(page, service).make("guest", "a long password")
    other = sign_in(page.context.browser, service, "guest", "a long password")
    said(other, "a guest's question")
    talk = conversation(other)["conversation"]["id"]
    page.reload()
    row = page.locator("section[aria-label=People] tbody tr", has_text="guest")
    assert row.locator("td").nth(3).inner_text() == "1"
    row.get_by_role("button", name="Delete").click()
    page.click("#prompt button.danger")
    row.wait_for(state="detached")
    other.reload()
    other.wait_for_selector("#sign-in-form")
    assert page.evaluate("(id) => fetch('/api/conversations/' + id).then((answer) => answer.status)", talk) == 404
    other.context.close()
