"""Every page in a real browser: wide and narrow, light and dark, English and French. What is
written can be read (WCAG 2.1: contrast 4.5), everything has a name, nothing runs out of sight."""
import urllib.parse

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from chancery import authority_of
from test_issuer import request
from test_login_page import browser  # noqa: F401 (a fixture)
from test_refresh import client_add
from test_sessions import ALICE

HTTPS = "https://app.example/callback"
SCOPE = "openid profile offline_access mail.read mail.send"

# for each element with text of its own: its contrast with what is behind it
LOOK = """
const lum = c => { const [r, g, b] = c.map(v => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const rgba = s => s.match(/[\\d.]+/g).map(Number);
const behind = e => { for (; e; e = e.parentElement) {
    const c = rgba(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
const poor = [], mute = [];
let seen = 0;
for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own && e.tagName !== 'INPUT') continue;
    if (e.type === 'hidden') continue;
    const a = lum(rgba(getComputedStyle(e).color).slice(0, 3)), b = lum(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (ratio < 4.5) poor.push([e.tagName, e.textContent.slice(0, 30), ratio]);
}
for (const e of document.querySelectorAll('button, a, input:not([type=hidden])'))
    if (!(e.textContent.trim() || e.labels && e.labels.length)) mute.push(e.outerHTML);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
return {poor, mute, seen, ids: ids.length === new Set(ids).size,
        mains: document.querySelectorAll('main').length,
        h1: document.querySelectorAll('h1').length, lang: document.documentElement.lang,
        wide: document.documentElement.scrollWidth - innerWidth,
        edge: getComputedStyle(document.querySelector('main')).borderTopLeftRadius};
"""


@pytest.fixture(scope="module")
def authority():
    with authority_of("pages") as a:
        secret = a.dir / "a-client-secret"
        secret.write_text("a secret of sixteen bytes or more\n")
        for name, more in (("web", ["--name", "Web & Mail", "--home", "https://app.example/"]),
                           ("w" * 128, [])):
            client_add(a, name, "--redirect", HTTPS, "--secret-file", str(secret), *more)
        yield a


def look(b, lang):
    """Of the page that is shown, in both schemes and widths."""
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            b.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
                {"name": "prefers-color-scheme", "value": scheme}]})
            b.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
            said = b.execute_script(LOOK)
            where = (b.title, lang, width, scheme)
            assert not said["poor"] and not said["mute"], (where, said)
            assert said["seen"] >= 4 and said["edge"] != "0px", (where, said)
            assert said["ids"] and said["mains"] == said["h1"] == 1, (where, said)
            assert said["lang"] == lang and said["wide"] <= 0, (where, said)


def shown(b, selector):
    """When the browser has come to a page that has it."""
    WebDriverWait(b, 120).until(lambda b: b.find_element(By.CSS_SELECTOR, selector).is_displayed())


def fill(b, password):
    for name, text in (("username", ALICE), ("password", password)):
        b.find_element(By.ID, name).clear()
        b.find_element(By.ID, name).send_keys(text)
    b.find_element(By.CSS_SELECTOR, "button").click()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_pages(authority, browser, lang):  # noqa: F811
    home = authority.dev["realms"]["home"]

    def ask(**changed):
        q = {"client_id": "web", "redirect_uri": HTTPS, "scope": SCOPE, **changed}
        browser.get(home["authorization_endpoint"] + "?" + urllib.parse.urlencode(request(**q)))

    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": lang}})
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    ask()
    look(browser, lang)
    fill(browser, "not it")
    shown(browser, "[role=alert]")
    look(browser, lang)
    fill(browser, authority.user(ALICE)["password"])
    shown(browser, "button[value=allow]")
    ask(prompt="select_account")
    look(browser, lang)
    ask(client_id="w" * 128, prompt="consent")
    shown(browser, "button[value=allow]")
    look(browser, lang)
    ask(prompt="consent")
    look(browser, lang)
    browser.get(home["issuer"] + "/account")
    look(browser, lang)
    browser.get(home["issuer"] + "/logout?client_id=web")
    look(browser, lang)
    browser.find_element(By.CSS_SELECTOR, "button").click()
    shown(browser, "[role=status]")
    look(browser, lang)
    ask(redirect_uri="https://evil.example/")
    look(browser, lang)
    said = [e for e in browser.get_log("browser") if "Content Security" in e["message"]]
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not said
