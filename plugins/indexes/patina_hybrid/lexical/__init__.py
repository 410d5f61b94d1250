"""The lexical arm: BM25 over words, by one of two engines that share their analysis."""
