"""The pages at /docs in a real browser: somebody gives a token, tries an operation, reads its answer."""

import asyncio

import pytest

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

LIST_AGENTS = "//div[contains(@class,'opblock-get')][.//span[@data-path='/api/v1/agents']]"


def use(browser, url, token, picture):
    """Do what a developer does on the page; return what the answer shows."""
    browser.go(f"{url}/docs")
    browser.wait_for("return document.querySelectorAll('.opblock-tag').length > 5")
    browser.click("//button[contains(@class,'authorize')]")
    browser.type("(//div[contains(@class,'modal-ux')]//input)[1]", token)
    browser.click("//div[contains(@class,'modal-ux')]//button[contains(@class,'authorize')]")
    browser.click("//div[contains(@class,'modal-ux')]//button[contains(@class,'btn-done')]")
    browser.click("//*[contains(@class,'opblock-tag')][@data-tag='agents']")
    browser.click(f"{LIST_AGENTS}//button[contains(@class,'opblock-summary-control')]")
    browser.click(f"{LIST_AGENTS}//button[contains(@class,'execute')]")
    found = browser.wait_for(
        "const found = document.querySelector('.live-responses-table tbody .response-col_status');"
        "return found && found.parentElement.innerText"
    )
    browser.run("document.querySelector('.live-responses-table').scrollIntoView()")
    browser.screenshot(picture)
    return found


async def test_an_operation_is_tried_out_in_the_browser(node, browser, tmp_path):
    url = f"https://{node.daemon.listening()['rest']}"
    shown = await asyncio.to_thread(use, browser, url, node.admin_token, tmp_path / "swagger.png")
    assert shown.strip().startswith("200"), shown
    assert '"echo"' in shown
    assert await asyncio.to_thread(browser.complaints) == []
