"""What becomes of the text of an answer: Markdown, code, formulas, drawings, pictures, attacks; and how fast."""

from session import answered, ask, last_answer, new, said, test


def say(page, text):
    """The node of an answer of just that text."""
    said(page, "say\n" + text)
    return page.locator(".message.assistant .text").last


# Blocks that change while they grow: tight lists that become loose, tables, code within lists, drawings.
LISTS = """1. one
2. two

   loose now
3. three
   ```sh
   echo code
   ```

- a
- b
  - c

  d

| x | y |
|---|---|
| 1 | 2 |
| 3 | 4 |

  /\\_/\\
 ( o.o )
  > ^ <

Setext
===

> quoted
goes on

last"""


@test("Markdown as people know it: headings, lists, quotes, links, tables with their columns aligned")
def markdown(page, service):
    answer = say(page, """# One
## Two
A *slanted*, **bold**, ~~struck~~ and `coded` word, [a link](https://example.org) and https://example.com.

1. first
2. second
   - inner

> quoted

| left | middle | right |
|:-----|:------:|------:|
| a    | b      |     3 |

---""")
    for selector, text in [
        ("h1", "One"), ("h2", "Two"), ("em", "slanted"), ("strong", "bold"), ("s", "struck"), ("p code", "coded"),
        ("ol > li:nth-child(2) ul li", "inner"), ("blockquote p", "quoted"), ("thead th:nth-child(2)", "middle"),
        ("tbody td:nth-child(3)", "3"),
    ]:
        assert answer.locator(selector).first.inner_text() == text, selector
    assert answer.locator("hr").count() == 1
    aligned = [answer.locator("tbody td").nth(at).evaluate("(cell) => getComputedStyle(cell).textAlign") for at in range(3)]
    assert aligned == ["left", "center", "right"], aligned
    links = answer.locator("a").evaluate_all("(all) => all.map((one) => [one.href, one.rel, one.target])")
    assert [one[0] for one in links] == ["https://example.org/", "https://example.com/"]
    assert all("noopener" in one[1] and one[2] == "_blank" for one in links)


@test("an answer that grows looks in the end as it does when it is opened again")
def growing(page, service):
    # Elements, but for the spans of colours and formulas, and text.
    shape = """() => [...document.querySelectorAll('.message.assistant .text *')].filter((one) => one.closest('.katex') === null
        && one.nodeName !== 'SPAN').map((one) => one.nodeName + ' ' + one.textContent.trim())"""
    for question in ["show me", "say\n" + LISTS]:
        new(page)
        said(page, question)
        grown = page.evaluate(shape)
        page.reload()
        page.wait_for_selector(".message.assistant .text > :nth-child(3)")
        opened = page.evaluate(shape)
        assert len(opened) > 12 and grown == opened, [pair for pair in zip(grown, opened) if pair[0] != pair[1]][:3]


@test("code has colours and a button that copies it, whole and as it is")
def code(page, service):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service.address)
    source = "def f(x: int) -> str:\n    # <b> & co\n    return \"text\" * x"
    answer = say(page, f"```python\n{source}\n```\n\nand\n\n```\nno language\n```")
    page.wait_for_selector(".hljs-keyword")
    for kind, text in [("keyword", "def"), ("comment", "# <b> & co"), ("string", '"text"')]:
        assert answer.locator(f".hljs-{kind}").first.inner_text() == text, kind
    colours = answer.locator(".hljs-keyword, .hljs-comment, .hljs-string").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).color)")
    assert len(set(colours)) == 3, colours
    assert answer.locator("figcaption span").first.inner_text() == "python"
    page.reload()
    page.wait_for_selector(".hljs-keyword")
    answer = page.locator(".message.assistant .text").last
    answer.locator(".copy").first.click()
    page.wait_for_selector(".copy:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == source
    assert "monospace" in answer.locator("pre code").first.evaluate("(node) => getComputedStyle(node).fontFamily")


@test("formulas are set as mathematics, money is not, and what is no formula shows its source")
def mathematics(page, service):
    answer = say(page, r"""The sum $\sum_{i=1}^n i$ and \(x^2\), for $5/$6 or $5 and $6.

$$\int_0^1 x\,dx = \frac{1}{2}$$

\[
a^2 + b^2 = c^2
\]

Broken: $\frac{1$ and so on.""")
    assert answer.locator(".katex").count() == 4, answer.inner_html()
    assert answer.locator(".katex-display").count() == 2
    assert answer.locator("annotation").first.text_content() == r"\sum_{i=1}^n i"
    assert "$5/$6 or $5 and $6" in answer.inner_text()
    assert r"\frac{1" in answer.inner_text()


@test("a drawing of characters keeps its columns, in a font whose letters are of one width")
def drawing(page, service):
    lines = ["  /\\_/\\  ", " ( o.o ) ", "  > ^ <  ", " /|   |\\ "]
    for text in ["\n".join(lines), "```\n" + "\n".join(lines) + "\n```", "\n".join("    " + one for one in lines)]:
        new(page)
        answer = say(page, "Look:\n\n" + text)
        drawn = answer.locator("pre").last
        assert [one.rstrip() for one in drawn.inner_text().strip("\n").split("\n")] == [one.rstrip() for one in lines], text
        widths = drawn.evaluate("""(node) => { const style = getComputedStyle(node.querySelector('code') ?? node);
            const pen = document.createElement('canvas').getContext('2d');
            pen.font = style.font; return [pen.measureText('iiii').width, pen.measureText('MMMM').width, style.whiteSpace]; }""")
        assert widths[0] == widths[1] and widths[2].startswith("pre"), widths
    new(page)
    answer = say(page, "- [ ] a\n- [x] b\n- [x] c\n\n> one !!!!!!!\n> two !!!!!!!\n> six !!!!!!!\n\n| - | - |\n|---|---|\n| # | + |\n\n$$\n{{a}^{b}}_{c} + {}{}{}\n$$")
    kinds = answer.locator("pre, li, blockquote, table, .katex-display").evaluate_all("(all) => all.map((one) => one.className || one.nodeName)")
    assert kinds == ["LI", "LI", "LI", "BLOCKQUOTE", "TABLE", "katex-display"], kinds


@test("pictures show from data alone; one elsewhere is a link, and nobody there hears of the reader")
def pictures(page, service):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    dot = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    answer = say(page, f"![a dot]({dot})\n\n![far](https://example.org/spy.png)\n\n![odd](data:image/svg+xml;base64,PHN2Zy8+)")
    assert answer.locator("img").count() == 1
    assert answer.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    assert answer.locator("img").get_attribute("alt") == "a dot"
    assert answer.locator("a[href='https://example.org/spy.png']").inner_text() == "far"
    assert not [one for one in asked if not one.startswith((service.address, "data:"))], asked


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
    assert len(page.locator(".message.assistant .text").last.text_content()) > 30000


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
    assert total > 100000 or not service.has_payloads, total
    new(page)
    said(page, "<img src=x onerror=alert(1)> <b>bold</b>")
    assert page.evaluate("window.ran") == 0
    assert "<img" in page.inner_text(".message.user") and "<img" in page.inner_text("#title")
    new(page)
    said(page, "say\n" + """<img src=x onerror=alert(1)> [a](javascript:alert(2)) ![b](javascript:alert(3))
<script>alert(4)</script> <a href="javascript:alert(5)">c</a> [d](data:text/html,<script>alert(6)</script>)""")
    for link in page.locator(".message.assistant a").all():
        link.click()
    assert page.evaluate("window.ran") == 0 and not dialogs and page.locator("#log img").count() == 0


@test("without the libraries an answer is there in plain text, and the page works on")
def no_libraries(page, service):
    page.route("**/libraries/**", lambda route: route.abort())
    page.reload()
    page.wait_for_selector(".welcome")
    answer = say(page, "A **bold** word, $x^2$ and <b>no tag</b>.\n\n```sh\necho code\n```")
    text = answer.inner_text()
    for part in ("bold", "x^2", "<b>no tag</b>", "echo code"):
        assert part in text, (part, text)
    assert answer.locator("b, script").count() == 0
    new(page)
    assert "still" in say(page, "still here").inner_text()
