"""The examples of the CommonMark specification, as the page shows them."""

import html.parser
import os
import pathlib
import re

from session import test

SPECIFICATION = pathlib.Path(os.environ.get("PRIMER_TEST_DATA", "../shared/data")) / "commonmark" / "spec.txt"

# What the page does otherwise on purpose: markup of HTML is text; pictures from elsewhere are links; only addresses that open a page or a letter
# are links.
HTML = re.compile(r"<[A-Za-z/!?]|&lt;[a-z]")
OTHERWISE = {
    "a bare address is a link": ["< https://foo.bar >\n", "https://example.com\n", "foo@bar.example.com\n"],
    "\\[ begins a formula": ["\\!\\\"\\#\\$"],
    "the library follows version 0.30, in which symbols of money are no punctuation": ["*$*alpha"],
}


class Shape(html.parser.HTMLParser):
    """Elements and text of a piece of HTML, without what the page adds or leaves out."""

    kept = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "em", "strong", "hr", "br", "code", "pre", "a"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.found = []
        self.skipped = 0
        self.links = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "figcaption":
            self.skipped += 1
        if tag == "a":
            self.links.append(re.match("(https?|mailto):", dict(attributes).get("href", ""), re.I) is not None)
            if not self.links[-1]:
                return
        if tag in self.kept and not self.skipped:
            start = dict(attributes).get("start")
            self.found.append("<" + tag + (f" {start}" if start and start != "1" else "") + ">")

    def handle_endtag(self, tag):
        if tag == "figcaption":
            self.skipped -= 1
        if tag == "a" and not self.links.pop():
            return
        if tag in self.kept and not self.skipped and tag not in ("br", "hr"):
            self.found.append(f"</{tag}>")

    def handle_data(self, data):
        if not self.skipped:
            self.found.append(data)

    def text(self):
        joined = "".join(self.found)
        # Space between blocks is none; at the ends of lines and of code neither.
        joined = re.sub(r"\s*(</?(?:p|h[1-6]|blockquote|ul|ol|li|hr|br|pre)(?: \d+)?>)\s*", r"\1", joined)
        return re.sub(r"\s+(</code></pre>)", r"\1", joined).strip()


def examples():
    found = re.findall(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", SPECIFICATION.read_text(), re.S | re.M)
    return [(source.replace("→", "\t"), wanted.replace("→", "\t")) for source, wanted in found]


@test("the examples of CommonMark come out as its specification says, but for markup of HTML and pictures")
def commonmark(page, service):
    if not SPECIFICATION.is_file():
        print("      the specification is not there")
        return
    cases = [(source, wanted) for source, wanted in examples() if not HTML.search(source) and "<img" not in wanted]
    shown = page.evaluate("""async (sources) => {
        const { render } = await import('/markdown.js');
        return sources.map((source) => { const place = document.createElement('div'); place.append(render(source)); return place.innerHTML; });
    }""", [source for source, _ in cases])
    known = tuple(start for all_of_them in OTHERWISE.values() for start in all_of_them)
    wrong = [(source, Shape(wanted).text(), Shape(got).text()) for (source, wanted), got in zip(cases, shown)
             if Shape(wanted).text() != Shape(got).text() and not source.startswith(known)]
    print(f"      {len(cases)} examples, {len(wrong)} otherwise")
    assert len(cases) > 450 and not wrong, wrong[:9]
