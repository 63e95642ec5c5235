"""docs/api.md is current, and nothing that is committed holds a secret."""

import re
import subprocess
from pathlib import Path

from api.reference import PAGE, filled

ROOT = Path(__file__).parent.parent.parent
SECRETS = {
    "private key": r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----\n[A-Za-z0-9+/]{40}",
    "API key of ours": r"mjk_[A-Za-z0-9_-]{40,}",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "Slack hook": r"hooks\.slack\.com/services/T[0-9A-Z]{8,}/",
    "password in an address": r"://[^/\s:@{}$<>'\"]+:[^/\s:@{}$<>'\"]{8,}@(?!(?:127\.0\.0\.1|localhost|host|example|db|postgres)\b)",
}


def test_the_tables_are_current():
    text = PAGE.read_text("utf-8")
    assert filled(text) == text, "run: python -m api.reference"


def test_every_picture_of_the_page_is_there():
    for name in re.findall(r"\]\((screenshots/[^)]+)\)", PAGE.read_text("utf-8")):
        assert (PAGE.parent / name).is_file(), name


def test_no_secret_is_committed():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    found = []
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix in (".png", ".lock", ".parquet") or not path.is_file():
            continue
        text = path.read_text("utf-8", "replace")
        found += [f"{name}: {what}" for what, pattern in SECRETS.items() if re.search(pattern, text)]
    assert found == []


def test_the_patterns_do_find_secrets():
    planted = "mjk_" + "a" * 43
    assert re.search(SECRETS["API key of ours"], planted)
    assert re.search(SECRETS["password in an address"], "postgresql://mjosa:" + "hunter2hunter2" + "@db1.example.org/x")
