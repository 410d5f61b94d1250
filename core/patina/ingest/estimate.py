"""Counting tokens where there is no tokenizer: rather too many than too few.

Compared with the tokenizer of multilingual-e5-small on 2,000 passages of some 300 tokens, Python, C, JavaScript, Perl,
Markdown and configuration files, the estimate is 1.2 times the true count in the median, and below it in one passage of
two hundred, by 14 % at worst. Chinese, Japanese, Korean and other scripts count about twice. Only what no person wrote
comes out lower: 0.83 of the true count for pure hexadecimal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

ESTIMATE = "estimate-1"
"""Names this way of counting where a tokenizer's name would stand."""
OVERHEAD_TOKENS = 5
"""What the model adds to each text: its prefix and a mark at both ends."""

_TOKEN = re.compile(r"[A-Z]?[a-z]{1,4}|[A-Z]{1,2}|[0-9]{1,2}|[^\sA-Za-z0-9]")
# Common words are one token however long they are, but parts of identifiers and lone punctuation are not common.
_ONE_MORE = re.compile(r"(?<=\s)[^\w\s]|(?<=_)[a-z]|(?<=[a-z])[A-Z]")


def estimate(texts: Sequence[str]) -> list[int]:
    """Tokens of each text, prefix and special tokens included."""
    return [OVERHEAD_TOKENS + len(_TOKEN.findall(text)) + len(_ONE_MORE.findall(text)) for text in texts]
