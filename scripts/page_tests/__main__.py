"""Uses the chat page in a browser, as a person would. Each test is a sentence; run by scripts/page."""

import argparse
import pathlib
import shutil
import sys
import time

from playwright.sync_api import sync_playwright

import session
from pictures import take_pictures
from session import TESTS

MODULES = {
    "scripted": ["conversation", "texts", "commonmark", "judged", "opinions", "administration", "access"],
    "real": ["real"],
}


def run(browser, state, service, tests, arguments):
    """How many passed, and how many failed."""
    passed = failed = 0
    for sentence, body in tests:
        if arguments.only and body.__name__ not in arguments.only.split(","):
            continue
        context = browser.new_context(storage_state=state, viewport={"width": 1200, "height": 800})
        if arguments.page:
            session.serve_files(context, arguments.page)
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(15000)
        started = time.time()
        try:
            page.goto(service.address)
            page.wait_for_selector(".welcome")
            body(page, service)
            assert not errors, errors
            passed += 1
            print(f"ok    {sentence} ({time.time() - started:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAIL  {sentence} ({body.__name__}): {type(error).__name__} {str(error)[:800]}", flush=True)
            if arguments.pictures:
                page.screenshot(path=str(pathlib.Path(arguments.pictures) / f"failed-{body.__name__}.png"))
        context.close()
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=["scripted", "real"], default="scripted")
    parser.add_argument("--fixture", help="the page-fixture: the product over answers from a script")
    parser.add_argument("--primer", help="the primer command, for tests over a real model")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--payloads", default="", help="a list of attacks, a line each")
    parser.add_argument("--port", type=int, default=8199)
    parser.add_argument("--pictures", help="a folder for screenshots")
    parser.add_argument("--only", default="", help="only the tests of these functions, with commas between; or: pictures")
    parser.add_argument("--page", help="a folder whose files are shown in place of those that were built in")
    arguments = parser.parse_args()
    for name in MODULES[arguments.kind]:
        __import__(name)
    if arguments.pictures:
        pathlib.Path(arguments.pictures).mkdir(parents=True, exist_ok=True)
    if arguments.kind == "real":
        service = session.RealService(arguments.primer, arguments.model, arguments.port)
    else:
        service = session.Service(arguments.fixture, arguments.payloads, arguments.port)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            context = browser.new_context()
            page = context.new_page()
            page.goto(service.link)
            page.wait_for_selector(".welcome")
            state = context.storage_state()
            passed, failed = run(browser, state, service, TESTS[arguments.kind], arguments)
            if arguments.pictures and arguments.only in ("", "pictures"):
                take_pictures(browser, service, state, arguments)
            browser.close()
    finally:
        service.end()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
