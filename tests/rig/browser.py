"""A person at the product's own pages over HTTP: cookies, CSRF, forms. No JavaScript, no shortcuts past the views."""

from __future__ import annotations

import json
import re
import uuid
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import urlencode

TIMEOUT_S = 30.0
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Answer(NamedTuple):
    status: int
    text: str
    location: str

    def json(self) -> Any:
        return json.loads(self.text)


class Browser:
    """Signed in as one person; a connection per request, as Daphne may be killed in between."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def sign_in(self, email: str, password: str) -> Browser:
        page = self.get("/sign-in/")
        token = _FORM_TOKEN.search(page.text)
        assert token, f"no form at /sign-in/: {page.status}"
        form = {"username": email, "password": password, "csrfmiddlewaretoken": token[1]}
        answer = self.request("POST", "/sign-in/", form)
        assert answer.status == 302, f"{email} could not sign in: {answer.status}"
        return self

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def command(self, slug: str, code: str, verb: str, text: str = "", *, key: str = "") -> Answer:
        """Ask for a command as the call page's script does."""
        form = {"verb": verb, "text": text, "key": key or uuid.uuid4().hex}
        return self.request("POST", f"/t/{slug}/calls/{code}/commands/", form, accept="application/json")

    def request(
        self, method: str, path: str, form: dict[str, str] | None = None, *, accept: str = "text/html"
    ) -> Answer:
        headers = {"Accept": accept, "Cookie": self.cookie_header, "Host": f"127.0.0.1:{self.port}"}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": self.cookies["csrf"]}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, urlencode(form) if form is not None else None, headers)
            response = connection.getresponse()
            for header in response.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
            return Answer(response.status, response.read().decode(), response.headers.get("Location", ""))
        finally:
            connection.close()

    @property
    def cookie_header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())
