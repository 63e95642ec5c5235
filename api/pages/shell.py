"""The HTML around every page. What a page shows, its module fetches from the API."""

from __future__ import annotations

import hashlib
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.security.rights import RIGHTS, Caller

STATIC = Path(__file__).parent / "static"
LANGUAGES = ("nb", "en")
COOKIE = "mjosa_language"


@cache
def version() -> str:
    """Changes whenever a static file does, so that browsers may keep them for ever."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def language(request: Request, who: Caller, otherwise: str) -> str:
    """The reader's own choice (cookie), else the user's, else the installation's."""
    chosen = request.cookies.get(COOKIE) or who.language or otherwise
    return chosen if chosen in LANGUAGES else "nb"


def page(name: str, who: Caller, lang: str, utility: str, key: str = "") -> HTMLResponse:
    """The shell of one page; its module reads the data-attributes of the root element."""
    rights = " ".join(right for right in RIGHTS if who.may(right))
    return _filled("page", lang=lang, name=name, title=TITLES[lang].get(name, "Mjøsa"), user=who.name, rights=rights, csrf=who.csrf,
                   utility=utility, key=key)  # fmt: skip


def sign_in_page(lang: str, failed: str = "", status: int = 200, *, oidc: bool = False, to: str = "/") -> HTMLResponse:
    """`failed`: link or password, when something was tried and refused."""
    words = WORDS[lang]
    told = f'<p class="told" role="alert">{words[failed]}</p>' if failed else ""
    other = f'<a class="button wide quiet" href="/sign-in/oidc">{words["oidc"]}</a>' if oidc else ""
    names = ("title", "lead", "name", "password_name", "go", "hint")
    shown = {("password" if n == "password_name" else n): words[n] for n in names}
    return _filled("sign_in", status, {"told": told, "other": other}, lang=lang, to=to, **shown)


def _filled(template: str, status: int = 200, html: dict[str, str] | None = None, **text: str) -> HTMLResponse:
    """A file of html/ with every $name filled in; text is escaped, `html` is not."""
    values = {name: escape(value) for name, value in text.items()}
    source = Template((Path(__file__).parent / "html" / f"{template}.html").read_text("utf-8"))
    return HTMLResponse(source.substitute(values, at=f"/static/{version()}", **(html or {})), status)


TITLES = {
    "nb": {"operations": "Drift", "sensor": "Sensor", "zone": "Sone", "overflows": "Overløp", "sustainability": "Bærekraft",
           "administration": "Administrasjon"},
    "en": {"operations": "Operations", "sensor": "Sensor", "zone": "Zone", "overflows": "Overflows", "sustainability": "Sustainability",
           "administration": "Administration"},
}  # fmt: skip
WORDS = {
    "nb": {
        "title": "Logg inn", "name": "Brukernavn", "password_name": "Passord", "go": "Logg inn", "oidc": "Logg inn med kommunens konto",
        "lead": "Byens vann, i sanntid.", "password": "Navn eller passord stemmer ikke.",
        "link": "Lenken er brukt eller utløpt. Start Mjøsa på nytt for å få en ny, eller logg inn med passord.",
        "oidc_failed": "Innloggingen hos kommunen ble avbrutt eller gir ikke tilgang. Prøv igjen, eller spør en administrator.",
        "hint": "Første gang? Bruk engangslenken som «mjosa up» skriver ut.",
    },
    "en": {
        "title": "Sign in", "name": "User name", "password_name": "Password", "go": "Sign in", "oidc": "Sign in with your organisation",
        "lead": "A town's water, live.", "password": "That name and password do not match.",
        "link": "The link is used or has expired. Restart Mjøsa for a new one, or sign in with a password.",
        "oidc_failed": "Your organisation's sign-in was cut short or gives no access. Try again, or ask an administrator.",
        "hint": "First time? Use the one-time link that “mjosa up” prints.",
    },
}  # fmt: skip
