"""The login page in a real browser: it can be used with the keyboard, its policy lets the
answer through to the application, and nothing else."""
import hashlib
import http.server
import shutil
import threading
import urllib.parse

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from chancery import authority_of, b64

VERIFIER = "v" * 43


@pytest.fixture(scope="module")
def authority():
    with authority_of("login") as a:
        yield a


@pytest.fixture(scope="module")
def browser():
    driver = shutil.which("chromedriver")
    assert driver, "chromedriver is not installed: make packages"
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
                     "--disable-dev-shm-usage", "--window-size=900,700"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    b = webdriver.Chrome(service=Service(driver), options=options)
    yield b
    b.quit()


@pytest.fixture
def application():
    """A native application's listener: keeps the paths that it was called at."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>back</title>Back at the application.")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.seen = seen
    yield server
    server.shutdown()
    server.server_close()


def open_page(browser, authority, application, **changed):
    q = {"response_type": "code", "client_id": "demo", "state": "s", "scope": "openid mail.read",
         "redirect_uri": f"http://127.0.0.1:{application.server_port}/callback",
         "code_challenge": b64(hashlib.sha256(VERIFIER.encode()).digest()),
         "code_challenge_method": "S256", **changed}
    end = authority.dev["realms"]["home"]["authorization_endpoint"]
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})  # nobody is signed in
    browser.get(end + "?" + urllib.parse.urlencode(q))


def test_log_in_with_the_keyboard(browser, authority, application):
    open_page(browser, authority, application)
    assert browser.title == "Sign in"
    focused = browser.switch_to.active_element
    assert focused.get_attribute("id") == "username"
    focused.send_keys("alice@home.test", Keys.TAB)
    password = browser.switch_to.active_element
    assert password.get_attribute("id") == "password"
    password.send_keys(authority.user("alice@home.test")["password"], Keys.ENTER)
    # the redirect after the POST passes form-action
    WebDriverWait(browser, 120).until(lambda b: b.title == "back")
    answer = urllib.parse.parse_qs(urllib.parse.urlparse(application.seen[0]).query)
    assert answer["state"] == ["s"] and len(answer["code"][0]) == 43
    assert not [e for e in browser.get_log("browser") if "Content Security" in e["message"]]


def test_wrong_password_then_right(browser, authority, application):
    open_page(browser, authority, application)
    browser.find_element(By.ID, "username").send_keys("alice@home.test")
    browser.find_element(By.ID, "password").send_keys("not it", Keys.ENTER)
    alert = WebDriverWait(browser, 120).until(
        lambda b: b.find_element(By.CSS_SELECTOR, "[role=alert]"))
    assert "wrong" in alert.text
    assert browser.find_element(By.ID, "username").get_attribute("value") == "alice@home.test"
    focused = browser.switch_to.active_element
    assert focused.get_attribute("id") == "password"
    focused.send_keys(authority.user("alice@home.test")["password"], Keys.ENTER)
    WebDriverWait(browser, 120).until(lambda b: b.title == "back")
    assert len(application.seen) >= 1


def test_style_and_labels(browser, authority, application):
    open_page(browser, authority, application)
    # the style passed the policy: without it the card has no border
    radius = browser.find_element(By.TAG_NAME, "main").value_of_css_property("border-radius")
    assert radius not in ("", "0px")
    for field in ("username", "password"):
        label = browser.find_element(By.CSS_SELECTOR, f"label[for={field}]")
        assert label.is_displayed() and label.text
        assert browser.find_element(By.ID, field).accessible_name == label.text
    browser.set_window_size(340, 640)
    try:
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= browser.execute_script("return window.innerWidth")
    finally:
        browser.set_window_size(900, 700)


def test_error_page_stays_here(browser, authority, application):
    open_page(browser, authority, application, redirect_uri="https://evil.example/callback")
    assert "does not work" in browser.title
    assert browser.current_url.startswith(authority.dev["base"])
    assert browser.find_element(By.CSS_SELECTOR, "[role=alert]").is_displayed()
