#!/usr/bin/env python3
"""Writes Tests/Goldens/templates: what jinja2 and transformers make of chat templates.

Needs `pip install transformers jinja2`. Run from the package's folder. `rendered.json` holds, for each template of the shared
test data and each conversation of `conversations.json`, the 64-bit FNV-1a hash of the text, or "error", or "refused: " and what the
template's `raise_exception` said. `snippets.json` holds small templates with the text or the error that jinja2 gives.
`--texts FOLDER` also writes the texts.
"""
import argparse
import copy
import datetime
import json
import os
import pathlib
import re

import jinja2
import transformers.utils.chat_template_utils as chat
from template_snippets import context, snippets

arguments = argparse.ArgumentParser()
arguments.add_argument("--texts")
texts = arguments.parse_args().texts


class Clock(datetime.datetime):
    @classmethod
    def now(cls, zone=None):
        return cls(2025, 7, 22, 16, 5, 9)


chat.datetime = Clock
special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def attempt(render):
    try:
        return render()
    except jinja2.exceptions.TemplateError as error:
        exact = type(error) is jinja2.exceptions.TemplateError
        return ValueError(f"refused: {error.message}" if exact else "error")
    except Exception:
        return ValueError("error")


folder = pathlib.Path("Tests/Goldens/templates")
data = pathlib.Path(os.environ.get("PRIMER_TEST_DATA", "../shared/data")) / "chat_templates/llamacpp"
conversations = json.loads((folder / "conversations.json").read_text("utf-8"))
rendered = {}
for path in sorted(data.glob("*.jinja")):
    source = path.read_bytes().decode("utf-8")
    results = rendered[path.name] = {}
    for case in conversations:
        found = attempt(
            lambda: chat.render_jinja_template(
                [case["messages"]], tools=case.get("tools"), chat_template=source,
                add_generation_prompt=case.get("add_generation_prompt", False), **special,
                **case.get("variables", {}))[0][0])
        results[case["name"]] = str(found) if isinstance(found, ValueError) else fnv(found)
        if texts:
            name = f"{path.stem}--{case['name'].replace(' ', '-')}.txt"
            (pathlib.Path(texts) / name).write_bytes(str(found).encode("utf-8"))
(folder / "rendered.json").write_text(json.dumps(rendered, indent=0, ensure_ascii=False) + "\n", "utf-8")

lines = []
for source in snippets:
    found = attempt(lambda: chat._compile_jinja_template(source).render(**copy.deepcopy(context)))
    if re.search("0x[0-9a-f]{6}", str(found).lower()):
        continue  # A place in memory.
    key, value = ("error", str(found)) if isinstance(found, ValueError) else ("text", found)
    lines.append(json.dumps({"template": source, key: value}, ensure_ascii=False))
body = ",\n".join(lines)
(folder / "snippets.json").write_text(
    f'{{"context": {json.dumps(context, ensure_ascii=False)},\n"snippets": [\n{body}\n]}}\n', "utf-8")
print(len(rendered) * len(conversations), "renderings,", len(lines), "snippets")
