"""Screenshots of every view, to be looked at."""

import pathlib

from session import answered, ask, said, serve_files

SIZES = [("light", "light", (1280, 860)), ("dark", "dark", (1280, 860)), ("phone", "light", (390, 844))]


def take_pictures(browser, service, state, arguments):
    for name, scheme, size in SIZES:
        context = browser.new_context(
            storage_state=state, color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
        if arguments.page:
            serve_files(context, arguments.page)
        page = context.new_page()
        page.goto(service.address)
        page.wait_for_selector(".welcome")

        def keep(view, full=False):
            page.wait_for_timeout(400)
            page.screenshot(path=str(pathlib.Path(arguments.pictures) / f"{view}-{name}.png"), full_page=full)

        keep("welcome")
        if arguments.kind == "scripted":
            scripted_views(page, keep, service, name)
        page.evaluate("location.hash = 'admin'")
        page.wait_for_selector(".now")
        page.wait_for_timeout(6500)
        page.set_viewport_size({"width": size[0], "height": 2400 if name != "phone" else 4200})
        keep("admin")
        context.close()
        outside = browser.new_context(color_scheme=scheme, viewport={"width": size[0], "height": size[1]}).new_page()
        outside.goto(service.address)
        outside.wait_for_selector("#sign-in-form")
        outside.screenshot(path=str(pathlib.Path(arguments.pictures) / f"sign-in-{name}.png"))
        outside.context.close()


def scripted_views(page, keep, service, name):
    def fresh():
        page.goto(service.address)
        page.wait_for_selector(".welcome")

    said(page, "show")
    page.evaluate("document.getElementById('log').scrollTop = 0")
    keep("chat")
    page.click("[aria-label='Bad answer']")
    page.fill("#prompt textarea", "The table is wrong")
    keep("reason")
    page.click("#prompt button.primary")
    page.wait_for_selector(".opinions p")
    page.evaluate("document.getElementById('log').scrollTop = 1e9")
    keep("judged")
    page.click("#open-settings")
    keep("settings")
    page.keyboard.press("Escape")
    fresh()
    said(page, "insult")
    ask(page, "harm ")
    page.wait_for_selector(".notice")
    keep("moderated")
    ask(page, "crowded " + name)
    page.wait_for_selector("text=Too many people")
    keep("crowded")
    fresh()
    ask(page, "slow one")
    page.wait_for_selector(".writing >> text=word9")
    keep("writing")
    page.keyboard.press("Escape")
    answered(page)
    fresh()
    page.click("#two")
    ask(page, "compare")
    page.wait_for_selector(".votes")
    page.wait_for_function("() => !document.querySelector('.writing')")
    keep("two")
    page.evaluate("location.hash = 'label'")
    page.wait_for_selector("#labelling textarea")
    page.fill("#labelling textarea", "Which way is up?")
    page.click("text=Write answers")
    page.wait_for_selector(".ranking li:nth-child(3) p")
    keep("labelling")
    if name == "phone":
        page.click("#side-open")
        keep("list")
