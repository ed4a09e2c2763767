#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes peal.toml(5) from docs/CONFIGURATION.md: manual.py MARKDOWN VERSION OUTPUT

A section of the document becomes one of the page, and a row of a table of keys an item: the key with
its default, then type, range and meaning. What a heading or a link leads to is its text alone.
"""

import pathlib
import re
import sys

from markdown_it import MarkdownIt

HEAD = r""".\" SPDX-License-Identifier: Apache-2.0
.\" Written by config/manual.py from docs/CONFIGURATION.md.
.TH PEAL.TOML 5 "" "peal {version}" "File formats"
.\" Names of keys are not to be broken.
.nh
.ad l
.SH NAME
peal.toml \- configuration of peald, the WebSocket server
.SH DESCRIPTION
"""

TAIL = r""".SH FILES
.TP
\fI/etc/peal/peal.toml\fR
What peald reads unless it is given
.B \-c
.IR FILE .
.TP
\fI/etc/peal/secrets\fR
A folder for tokens that root and the user of peald alone can read.
.SH "SEE ALSO"
.BR peald (8),
.BR peal\-load (1)
.PP
\fI/usr/share/doc/peald/docs\fR has METRICS.md, OPERATIONS.md and PROTOCOL.md.
"""


def escaped(text):
    """Text as roff prints it; quotation marks and signs as they are typed."""
    for sign, name in (("\\", r"\e"), ("-", r"\-"), ("'", r"\(aq"), ("`", r"\(ga"), ("^", r"\(ha"), ("~", r"\(ti")):
        text = text.replace(sign, name)
    return text


def inline(token):
    """The text of a paragraph, a heading or a cell; \\fB and \\fI where it was marked."""
    parts, fonts = [], ["R"]
    for child in token.children:
        if child.type == "text":
            parts.append(escaped(child.content))
        elif child.type == "code_inline":
            parts.append(rf"\fB{escaped(child.content)}\f{fonts[-1]}")
        elif child.type in ("strong_open", "em_open"):
            fonts.append("B" if child.type == "strong_open" else "I")
            parts.append(rf"\f{fonts[-1]}")
        elif child.type in ("strong_close", "em_close"):
            fonts.pop()
            parts.append(rf"\f{fonts[-1]}")
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type not in ("link_open", "link_close"):
            raise ValueError(f"{child.type} is nothing that manual.py knows")
    return "".join(parts)


def lines(text):
    """One sentence a line is how roff sees where sentences end."""
    text = re.sub(r"(?<=[^. ])(\.) (?=[A-Z])", r"\1\n", text.strip())
    return "\n".join(rf"\&{line}" if line[:1] in (".", "'") else line for line in text.split("\n"))


def bold(text):
    return rf"\fB{text}\fR"


def key_item(cells):
    """A row of a table of keys: key, type, default, range, meaning."""
    key, kind, default, values, meaning = cells
    given = default.replace(r"\fB", "").replace(r"\fR", "")
    first = f"{key} = {bold(given)}" if r"\fB" in default else f"{key} ({given})"
    about = rf"\fI{kind}\fR"
    if values.startswith(f"a {kind}"):
        about = values
    elif values:
        about += f": {values}"
    return f".TP\n{first}\n{lines(about)}\n.br\n{lines(meaning)}"


def table_items(header, rows):
    if header == ["key", "type", "default", "range", "meaning"]:
        return [key_item(row) for row in rows]
    # Any other table has two columns; the one with the keys leads.
    tag = header.index("key") if "key" in header else 0
    return [f".TP\n{row[tag]}\n{lines(row[1 - tag])}" for row in rows]


class Page:
    """Walks through the document's tokens, block by block."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.out = []
        self.depth = 0  # of lists
        self.item = False  # a bullet has just been opened

    def write(self):
        at = 0
        while at < len(self.tokens):
            at = self.block(at)
        return "\n".join(self.out) + "\n"

    def block(self, at):
        """Writes the block that begins at this token; returns where the next one does."""
        token = self.tokens[at]
        kind = token.type
        if kind == "heading_open":
            self.heading(token.tag, inline(self.tokens[at + 1]))
            return at + 3
        if kind == "paragraph_open":
            self.paragraph(inline(self.tokens[at + 1]))
            return at + 3
        if kind == "table_open":
            return self.table(at)
        if kind == "fence":
            self.literal(token.content)
        elif kind == "bullet_list_open":
            self.depth += 1
        elif kind == "bullet_list_close":
            self.depth -= 1
        elif kind == "list_item_open":
            self.out.append(r'.IP "\(bu" 2')
            self.item = True
        elif kind != "list_item_close":
            raise ValueError(f"{kind} is nothing that manual.py knows")
        return at + 1

    def heading(self, tag, text):
        if tag == "h1":
            return  # the page's name
        text = text.replace(r"\fB", "").replace(r"\fR", "").replace('"', r"\(dq")
        if tag == "h2":
            self.out.append(f'.SH "{text if text.startswith("[") else text.upper()}"')
        else:
            self.out.append(f'.SS "{text}"')

    def paragraph(self, text):
        if not self.item:
            self.out.append(".IP" if self.depth else ".PP")
        self.item = False
        self.out.append(lines(text))

    def literal(self, text):
        self.out.append(".PP\n.RS 4\n.nf")
        for line in escaped(text).rstrip("\n").split("\n"):
            self.out.append(rf"\&{line}" if line[:1] in (".", "\\") else line)
        self.out.append(".fi\n.RE")

    def table(self, at):
        rows, cells = [], []
        while self.tokens[at].type != "table_close":
            token = self.tokens[at]
            if token.type == "inline":
                cells.append(inline(token))
            elif token.type == "tr_close":
                rows.append(cells)
                cells = []
            at += 1
        self.out += table_items(rows[0], rows[1:])
        return at + 1


def manual(markdown, version):
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    return HEAD.format(version=version) + Page(tokens).write() + TAIL


def main():
    source, version, output = sys.argv[1:]
    pathlib.Path(output).write_text(manual(pathlib.Path(source).read_text(), version))


if __name__ == "__main__":
    main()
