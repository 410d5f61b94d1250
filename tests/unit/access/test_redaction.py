"""What is secret does not get into a log, whichever way it tries."""

import logging
import subprocess
import sys

import pytest

from patina.access.redaction import RedactedFormatter, Redaction, secrets_in

CANARY = "correct-horse-battery"
KEY = "pat_5febfd28_6fec2e06ac56a8681043a9c2361d4256f562dfa2ce214f7d"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"{{'authorization': 'Basic {CANARY}', 'accept': '*/*'}}",
        f"(b'x-api-key', b'{CANARY}')",
        f"Cookie: session={CANARY}; theme=dark",
        f"GET /v1/models?limit=3&token={CANARY}&x=1",
        f"https://host/?api_key={CANARY}",
        f"curl -H 'X-API-Key: {CANARY}'",
        f"sent bearer {CANARY} to the host",
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str) -> None:
    masked = Redaction()(text)
    assert CANARY not in masked
    assert "***" in masked


def test_a_key_of_ours_is_known_by_its_id_only() -> None:
    assert Redaction()(f"refused {KEY}.") == "refused pat_5febfd28_***."


def test_known_values_are_masked_wherever_they_stand() -> None:
    redaction = Redaction(secrets_in({"PATINA_KEY": CANARY, "DB_PASSWORD": "hunter-two", "HOME": "/home/ada"}))
    assert redaction(f"a{CANARY}b hunter-two /home/ada") == "a***b *** /home/ada"


@pytest.mark.parametrize("text", ["The key is missing.", "tokens: 12", "2 keys, bearer of news", "a=b&c=d", ""])
def test_everyday_words_stay(text: str) -> None:
    assert Redaction(["short"])(text) == text


def test_a_traceback_is_masked_too() -> None:
    formatter = RedactedFormatter("%(message)s", Redaction([CANARY]))
    try:
        raise ValueError(f"cannot use {CANARY}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed with %s", (CANARY,), sys.exc_info())
    text = formatter.format(record)
    assert CANARY not in text
    assert "ValueError" in text


def test_what_a_command_says_is_masked() -> None:
    """The canary comes back in an error, and in the traceback that --debug asks for."""
    done = subprocess.run(
        [sys.executable, "-m", "patina", "scry", "x", "--debug", "--set", f"daemon.port={CANARY}"],
        env={"PATINA_KEY": CANARY, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "***" in done.stderr
    assert CANARY not in done.stderr + done.stdout
