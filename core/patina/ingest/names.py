"""What a file's name alone says: that it holds a secret, or that a tool wrote it for itself.

The lists are meant to be extended here and nowhere else. Names are compared without regard to case.
"""

from __future__ import annotations

import re
from fnmatch import translate


def _names(*globs: str) -> re.Pattern[str]:
    """One expression for all of the patterns."""
    return re.compile("|".join(map(translate, globs)), re.IGNORECASE)


NEVER = frozenset({".git", ".patina"})
"""Passed over at any depth without being counted: the bookkeeping of git and of Patina."""

_SECRET = _names(
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.age",
    "*.gpg",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "vault.toml",
    "vault.y*ml",
    "*.vault",
    ".vault*",
    "secrets.toml",
    "secrets.y*ml",
    "secrets.json",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.y*ml",
    "service-account*.json",
    "*.tfstate",
    "*.tfstate.backup",
)
_NOT_SECRET = _names(".env.example", ".env.sample", ".env.template", ".env.dist", "*.example.env")

_GENERATED = _names(
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "deno.lock",
    "cargo.lock",
    "poetry.lock",
    "pdm.lock",
    "uv.lock",
    "pipfile.lock",
    "gemfile.lock",
    "composer.lock",
    "podfile.lock",
    "mix.lock",
    "flake.lock",
    "pubspec.lock",
    "go.sum",
    "*.min.js",
    "*.min.css",
    "*.js.map",
    "*.css.map",
)

_SECRET_HEADS = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----", b"$ANSIBLE_VAULT;")


def is_secret(name: str) -> bool:
    """Whether a file of this name is likely to hold keys or passwords."""
    return _SECRET.match(name) is not None and _NOT_SECRET.match(name) is None


def is_generated(name: str) -> bool:
    """Whether a file of this name is a lock file or minified code."""
    return _GENERATED.match(name) is not None


def begins_secret(head: bytes) -> bool:
    """Whether a file that begins like this is a private key or a vault, whatever its name is."""
    first = head.lstrip()[:80].split(b"\n", 1)[0]
    return first.startswith(_SECRET_HEADS) or (first.startswith(b"-----BEGIN ") and b"PRIVATE KEY" in first)
