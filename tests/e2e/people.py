"""A person with a browser, as tests play one: a jar of cookies, forms that are filled in."""
import html
import http.cookies
import re
import urllib.parse

from chancery import http as ask

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Page:
    """An answer and what stands in it."""

    def __init__(self, answer, url):
        self.answer, self.url = answer, url
        self.status, self.headers, self.text = answer.status, answer.headers, answer.body.decode()

    def fields(self, number=0):
        """The hidden fields of one of its forms."""
        return {name: html.unescape(value) for name, value in re.findall(
            r'<input type="hidden" name="([^"]*)" value="([^"]*)"', self.forms()[number])}

    def forms(self):
        return re.findall(r"<form .*?</form>", self.text, re.S)

    def action(self, number=0):
        action = re.search(r'<form [^>]*action="([^"]*)"', self.forms()[number]).group(1)
        return urllib.parse.urljoin(self.url, html.unescape(action))

    def back(self):
        """Where it sends the browser: (URL without the query, parameters)."""
        assert self.status == 303, (self.status, self.text)
        where = urllib.parse.urljoin(self.url, self.headers["Location"])
        base, _, query = where.partition("?")
        return base, dict(urllib.parse.parse_qsl(query))


class Browser:
    """Keeps cookies as one does (of one host; their path is / always), follows no redirect."""

    def __init__(self, language="en", agent="Mozilla/5.0 (X11; Linux) Firefox/128.0"):
        self.jar = {}
        self.fields = {"Accept-Language": language, "User-Agent": agent}

    def _go(self, method, url, body, fields):
        sent = dict(self.fields, **fields)
        if self.jar:
            sent["Cookie"] = "; ".join(f"{n}={v}" for n, v in self.jar.items())
        answer = ask(method, url, body, sent)
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                assert morsel["path"] == "/" and morsel["httponly"] and morsel["samesite"] == "Lax"
                if morsel.value:
                    self.jar[name] = morsel.value
                else:
                    self.jar.pop(name, None)
        return Page(answer, url)

    def get(self, url, **query):
        query = {k: v for k, v in query.items() if v is not None}
        return self._go("GET", url + ("?" + urllib.parse.urlencode(query) if query else ""),
                        None, {})

    def post(self, url, fields):
        body = urllib.parse.urlencode({k: v for k, v in fields.items() if v is not None})
        return self._go("POST", url, body.encode(), FORM)

    def submit(self, page, number=0, **changed):
        """One of the page's forms, filled in."""
        return self.post(page.action(number), {**page.fields(number), **changed})
