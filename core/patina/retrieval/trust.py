"""How far to trust the words of a question.

A question that shares most of its words with some passage is best answered by the lexical arm; one that is put in
words of its own finds there only passages that happen to say "page" or "machine", and their votes would bury what the
dense arm has found. So the lexical arm's weight follows the share of the question's telling words that its best
candidates hold. Measured on the questions of `benchmarks/questions.toml`; see docs/explanation/how-search-works.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from patina.retrieval.words import Words

BEST_CANDIDATES = 5
"""Whose words are looked at."""
UNTRUSTED_SHARE = 0.4
"""At and below this share of the question's words the lexical arm's votes hardly count…"""
TRUSTED_SHARE = 0.6
"""…and from this one on they count in full."""
LEAST = 0.05
"""What is left of the weight at the least: enough to order what nothing else has found."""


def trust(words: Words, candidates: Iterable[str]) -> float:
    """The lexical arm's weight, from `LEAST` to 1, given the texts of its best candidates."""
    telling = len(words.by_stem) or 1
    share = max((len(words.held(text)) / telling for text in candidates), default=0.0)
    ramp = (share - UNTRUSTED_SHARE) / (TRUSTED_SHARE - UNTRUSTED_SHARE)
    return min(1.0, max(LEAST, ramp))
