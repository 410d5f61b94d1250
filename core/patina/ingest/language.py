"""Which language a file is written in, by its name or its first line."""

from __future__ import annotations

import re

_SUFFIXES = {
    "asciidoc": "adoc asciidoc",
    "assembly": "asm s",
    "batch": "bat cmd",
    "c": "c h",
    "clojure": "clj cljc cljs edn",
    "cmake": "cmake",
    "cpp": "cc cpp cxx hh hpp hxx ipp",
    "csharp": "cs",
    "css": "css less sass scss",
    "csv": "csv tsv",
    "dart": "dart",
    "diff": "diff patch",
    "elixir": "ex exs",
    "elm": "elm",
    "erlang": "erl hrl",
    "fortran": "f f90 f95 for",
    "fsharp": "fs fsi fsx",
    "go": "go",
    "graphql": "gql graphql",
    "groovy": "gradle groovy",
    "haskell": "hs lhs",
    "html": "htm html xhtml",
    "ini": "cfg conf ini properties",
    "java": "java",
    "javascript": "cjs js jsx mjs",
    "json": "ipynb json json5 jsonc jsonl ndjson webmanifest",
    "julia": "jl",
    "kotlin": "kt kts",
    "latex": "bib cls latex sty tex",
    "lisp": "el lisp lsp scm",
    "lua": "lua",
    "makefile": "mak mk",
    "markdown": "markdown md mdown mdx mkd qmd rmd",
    "matlab": "m",
    "nim": "nim",
    "nix": "nix",
    "ocaml": "ml mli",
    "perl": "pl pm pod",
    "php": "php phtml",
    "powershell": "ps1 psd1 psm1",
    "protobuf": "proto",
    "python": "py pyi pyw pyx",
    "r": "r",
    "rst": "rest rst",
    "ruby": "gemspec rake rb",
    "rust": "rs",
    "scala": "sbt scala",
    "shell": "bash bats fish ksh sh zsh",
    "sql": "sql",
    "svelte": "svelte",
    "swift": "swift",
    "tcl": "tcl",
    "terraform": "hcl tf tfvars",
    "toml": "toml",
    "typescript": "cts mts ts tsx",
    "vim": "vim",
    "vue": "vue",
    "xml": "plist svg wsdl xml xsd xsl xslt",
    "yaml": "yaml yml",
    "zig": "zig",
}
_NAMES = {
    "cmakelists.txt": "cmake",
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "gemfile": "ruby",
    "rakefile": "ruby",
    "gnumakefile": "makefile",
    "jenkinsfile": "groovy",
    "justfile": "makefile",
    "makefile": "makefile",
    ".bashrc": "shell",
    ".profile": "shell",
    ".zshrc": "shell",
    ".editorconfig": "ini",
    ".gitconfig": "ini",
}
_INTERPRETERS = {
    "bash": "shell",
    "dash": "shell",
    "deno": "typescript",
    "fish": "shell",
    "ksh": "shell",
    "lua": "lua",
    "node": "javascript",
    "perl": "perl",
    "php": "php",
    "pypy": "python",
    "python": "python",
    "rscript": "r",
    "ruby": "ruby",
    "sh": "shell",
    "tclsh": "tcl",
    "zsh": "shell",
}
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_SHEBANG = re.compile(rb"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-\S+[ \t]+)*(?:\S*/)?)?([A-Za-z]+)")
_PROSE = frozenset({"", "asciidoc", "latex", "markdown", "rst"})


def language_of(path: str, head: bytes) -> str:
    """ "python", "markdown", …; empty for plain text and for what nobody listed. `head`: the file's first bytes."""
    name = path.rpartition("/")[2].lower()
    if name in _NAMES:
        return _NAMES[name]
    stem, _, suffix = name.rpartition(".")
    if stem and suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    shebang = _SHEBANG.match(head)
    return _INTERPRETERS.get(shebang.group(1).decode().lower(), "") if shebang else ""


def is_prose(language: str) -> bool:
    """Whether a text of this language is read in paragraphs and sentences rather than in lines."""
    return language in _PROSE
