"""The page over a real model: what a script of answers cannot show. Run by `scripts/page real`."""

import json
import pathlib
import re
import subprocess
import tempfile
import urllib.error
import urllib.request

from session import (
    RealService, answered, ask, conversation, get, last_answer, new, reload, said, test)


def api(service, path, body=None, key=None, timeout=120):
    """JSON of the API."""
    request = urllib.request.Request(
        service.address + path, data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": "Bearer " + (key or service.key)})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read())


def settings(page, **values):
    page.click("#open-settings")
    for name, value in values.items():
        page.fill("#" + ("system" if name == "system" else "set-" + name), str(value))
    page.click("#settings button.primary")
    page.wait_for_selector("#settings", state="hidden")


LONG = "Write a very long story about a ship, its crew and a storm. Tell every day of the voyage."


@test("the link that was printed signs the owner in, and no second person", "real")
def link(page, service):
    assert get(page, "me")["user"]["role"] == "admin"
    other = page.context.browser.new_context().new_page()
    other.goto(service.link)
    other.wait_for_selector("text=That link has been used")
    other.context.close()


@test("a question is answered by the model, and what the page counts are the model's tokens", "real")
def chat(page, service):
    settings(page, temperature=0, maxTokens=60)
    page.evaluate("""() => { window.counts = [];
        new MutationObserver(() => { const text = document.querySelector('.counter')?.textContent;
            if (text) counts.push(Number(text.split(' ')[0])); }).observe(document.getElementById('log'), { childList: true, subtree: true }); }""")
    said(page, "What is the capital of France?")
    answer = conversation(page)["messages"][1]
    # What the API answers; what the model knows is its own affair.
    asked = dict(model=service.model, messages=[dict(role="user", content="What is the capital of France?")], temperature=0, max_tokens=60)
    assert answer["content"] == api(service, "/v1/chat/completions", asked)["choices"][0]["message"]["content"] != ""
    counts = page.evaluate("counts")
    assert counts == sorted(counts) and counts[-1] == answer["tokens"], (counts, answer["tokens"])
    assert page.inner_text(".counter").startswith(f"{answer['tokens']} tokens")
    read = api(service, "/tokenize", {"model": service.model, "content": answer["content"]})
    # Each ends with a token that is no text, unless it was cut.
    assert answer["tokens"] - len(read["tokens"]) == (1 if answer["state"] == "done" else 0), (answer, len(read["tokens"]))
    assert answer["promptTokens"] > 10 and answer["version"] and answer["sampling"]["temperature"] == 0


@test("letters that are several tokens are counted as the tokens that they are", "real")
def counted(page, service):
    settings(page, temperature=0, maxTokens=80, system="Repeat what the user says, exactly.")
    said(page, "\U0001f30d\U0001f680\U0001f525 \U0001f30d\U0001f680\U0001f525 \U0001f30d\U0001f680\U0001f525")
    answer = conversation(page)["messages"][1]
    read = api(service, "/tokenize", {"model": service.model, "content": answer["content"]})
    assert abs(answer["tokens"] - len(read["tokens"])) <= 1, (answer, len(read["tokens"]))


@test("the same seed gives the same answer again, and no seed another", "real")
def seeds(page, service):
    settings(page, temperature=1, seed=11, maxTokens=40)
    said(page, "Tell me something about the sea.")
    first = last_answer(page)
    page.click("[aria-label='Answer again']")
    page.wait_for_selector("text=2 / 2")
    answered(page)
    assert last_answer(page) == first
    settings(page, seed="")
    page.click("[aria-label='Answer again']")
    page.wait_for_selector("text=3 / 3")
    answered(page)
    assert last_answer(page) != first


@test("stopping lets the engine go at once, and keeps what was written and its tokens", "real")
def stop(page, service):
    ask(page, LONG)
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.length > 100")
    page.keyboard.press("Escape")
    answered(page)
    answer = conversation(page)["messages"][1]
    assert answer["state"] == "stopped" and len(answer["content"]) >= 100 and answer["tokens"] > 15, answer
    page.wait_for_function("() => fetch('/api/admin/load').then((one) => one.json()).then((one) => one.load.running === 0)")
    shown = last_answer(page)
    reload(page)
    assert last_answer(page).strip() == shown.strip()
    assert page.inner_text(".counter").startswith(f"{answer['tokens']} tokens")


@test("a reload in mid-answer reads on, and the whole is what the service kept", "real")
def reload_in_answer(page, service):
    settings(page, maxTokens=250)
    ask(page, LONG)
    page.wait_for_function("() => document.querySelector('.writing .text')?.textContent.length > 80")
    begun = page.inner_text(".writing .text")
    page.reload()
    page.wait_for_selector(".writing")
    answered(page)
    answer = conversation(page)["messages"][1]
    flat = lambda text: re.sub(r"[\s*#>`_-]+", " ", text).strip()
    assert flat(last_answer(page)).startswith(flat(begun)[:60])
    assert answer["state"] in ("done", "length") and flat(answer["content"])[-40:] in flat(last_answer(page)) + " ", answer


@test("an edited question is a branch with an answer of its own", "real")
def branch(page, service):
    settings(page, temperature=0, maxTokens=30)
    said(page, "What is the capital of France?")
    first = last_answer(page)
    page.locator(".message.user").hover()
    page.click("[aria-label='Edit, and ask again']")
    page.fill(".editing textarea", "What is the capital of Italy?")
    page.click("text=Ask again")
    page.wait_for_selector(".message.user .branches >> text=2 / 2")
    answered(page)
    assert last_answer(page) not in ("", first)
    page.click(".message.user [aria-label='Previous version']")
    page.wait_for_function("(first) => [...document.querySelectorAll('.message.assistant .text')].at(-1)?.innerText === first", arg=first)


def exported(service):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="primer-export-"))
    subprocess.run([service.primer, "feedback", "export", "--data", service.folder, "--output", str(folder)],
                   check=True, capture_output=True)
    return {file.stem: [json.loads(line) for line in file.read_text().splitlines()] for file in folder.glob("*.jsonl")}


@test("of two answers one is voted for, a thumb has a reason, and both are in the export with what made them", "real")
def vote(page, service):
    settings(page, temperature=1, maxTokens=40)
    page.click("#two")
    ask(page, "Give me a name for a boat.")
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')", timeout=60000)
    page.click("text=B is better")
    page.wait_for_selector("text=You found this answer the better of two")
    page.click("[aria-label='Good answer']")
    page.fill("#prompt textarea", "a good name")
    page.click("#prompt button.primary")
    page.wait_for_selector("text=Your reason: a good name")
    left, right = conversation(page)["messages"][1:]
    data = exported(service)
    preference = data["preferences"][-1]
    assert preference["prompt"] == [{"role": "user", "content": "Give me a name for a boat."}]
    assert (preference["chosen"], preference["rejected"]) == (right["content"], left["content"])
    for maker, made in [("chosen_maker", right), ("rejected_maker", left)]:
        assert preference[maker] == {"model": service.model, "version": made["version"], "sampling": made["sampling"]}
    assert data["ratings"][-1]["reason"] == "a good name" and data["ratings"][-1]["answer"] == right["content"]
    assert data["chat"][-1]["messages"][-1]["content"] == right["content"]


@test("an administrator ranks four answers of the model, and the ranking is in the export", "real")
def rank(page, service):
    page.evaluate("location.hash = 'label'")
    page.fill("#labelling textarea", "Give me one word for the sea.")
    page.select_option("#labelling select[name=count]", "4")
    page.click("text=Write answers")
    page.wait_for_selector(".ranking li:nth-child(4)")
    page.wait_for_function("() => !document.querySelector('.writing')", timeout=60000)
    page.locator(".ranking li").last.get_by_role("button", name="Better").click()
    page.click("text=Keep this order")
    page.wait_for_selector("text=Order kept")
    shown = page.eval_on_selector_all(".ranking li", "(all) => all.map((one) => one.dataset.id)")
    whole = get(page, "conversations/" + page.evaluate("location.hash.split('/')[1]"))
    content = {one["id"]: one["content"] for one in whole["messages"]}
    ranking = exported(service)["rankings"][-1]
    assert ranking["answers"] == [content[one] for one in shown] and ranking["ranking"] == [0, 1, 2, 3]
    assert len({one["sampling"]["seed"] for one in ranking["makers"]}) == 4


@test("the administration shows the model, its version, and the tokens that were written", "real")
def administration(page, service):
    said(page, "Say one word.")
    page.click("#open-admin")
    row = page.locator("section[aria-label=Models] tbody tr").first
    row.wait_for()
    cells = row.locator("td").all_inner_texts()
    assert cells[0] == service.model and re.fullmatch("[0-9a-f]{12}", cells[1]) and cells[2] == "loaded", cells
    assert float(cells[6]) > 1, cells


@test("what the built-in classifier finds is refused with its reason; what is harmless is answered", "real")
def moderation(page, service):
    strict = RealService(service.primer, service.model, service.port + 1, ["--moderation", "refuse"])
    try:
        other = page.context.browser.new_context().new_page()
        other.set_default_timeout(30000)
        other.goto(strict.link)
        other.wait_for_selector(".welcome")
        settings(other, maxTokens=20)
        threat = "I will stab you to death, cut your throat and watch you bleed, you worthless animal."
        found = api(strict, "/v1/moderations", {"input": threat})["results"][0]
        assert found["flagged"], found
        ask(other, threat)
        other.wait_for_selector("text=This question was not answered")
        notice = other.inner_text(".notice")
        for category, is_found in found["categories"].items():
            if is_found and "/" not in category:
                assert category in notice, (category, notice)
        other.click("text=Change the question")
        other.fill(".editing textarea", "How do I bake bread?")
        other.click("text=Ask again")
        other.wait_for_selector(".message.user .branches >> text=2 / 2")
        answered(other)
        assert other.locator(".notice").count() == 0 and len(last_answer(other)) > 10
        other.context.close()
    finally:
        strict.end()


class Crowd:
    """People who ask for long texts all at once, each with a key of their own, until nobody more is let in."""

    def __init__(self, service):
        self.service = service
        self.open = []
        self.wait = None

    def gather(self):
        for person in range(400):
            key = api(self.service, "/v1/keys", {"name": "crowd", "user": f"person-{person}"})["key"]
            body = {"model": self.service.model, "prompt": f"Story {person}:", "max_tokens": 1000, "stream": True,
                    "ignore_eos": True}
            request = urllib.request.Request(
                self.service.address + "/v1/completions", data=json.dumps(body).encode(),
                headers={"Content-Type": "application/json", "Authorization": "Bearer " + key})
            try:
                self.open.append(urllib.request.urlopen(request, timeout=300))
            except urllib.error.HTTPError as refused:
                assert refused.code == 429, refused.read()
                self.wait = int(refused.headers["Retry-After"])
                return
        raise AssertionError("nobody was refused")

    def go(self):
        for answer in self.open:
            answer.close()
        self.open = []


@test("too crowded for real: the wait is shown, and told to, the page asks again and is answered", "real")
def crowded(page, service):
    crowd = Crowd(service)
    try:
        crowd.gather()
        print(f"      {len(crowd.open)} people were let in, the next was told to wait {crowd.wait} s")
        ask(page, "What is the capital of France?")
        page.wait_for_selector("text=Too many people")
        assert re.search(r"about \d+ s", page.inner_text("#crowded"))
        page.check("#crowded input")
        page.wait_for_selector(".message.assistant", timeout=120000)
        assert page.is_hidden("#crowded")
        crowd.go()
        answered(page)
        assert len(last_answer(page)) > 3
    finally:
        crowd.go()
