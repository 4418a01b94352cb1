"""Coverage on one page of HTML that needs nothing beside itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1e1e1e; background: #fafaf8;
       max-width: 1180px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin: 0 } h2 { font-size: 1.1em; margin: 1.6em 0 .4em }
table { border-collapse: collapse; margin: .4em 0 } caption { text-align: left; color: #555 }
td, th { padding: .15em .8em; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left; white-space: nowrap }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: .8em }
img { max-width: 100%; border: 1px solid #ddd } figure { margin: 0 } .note { color: #555 }
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: caption, heads of its columns, rows of text."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: heading, sentences, tables, pictures and what each shows."""

    heading: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[tuple[Path, str], ...] = ()


def write_page(path: Path, title: str, subtitle: str, sections: Sequence[Section]) -> None:
    """Write the page, its pictures inside it."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1><p class='note'>{escape(subtitle)}</p>",
    ]
    for section in sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        parts += [f"<p>{escape(sentence)}</p>" for sentence in section.sentences]
        parts += [_table(table) for table in section.tables]
        parts.append("<div class='pictures'>")
        for picture, shows in section.pictures:
            data = base64.b64encode(picture.read_bytes()).decode("ascii")
            parts.append(
                f"<figure><img alt='{escape(shows, quote=True)}' "
                f"src='data:image/png;base64,{data}'></figure>"
            )
        parts.append("</div>")
    path.write_text("\n".join(parts) + "\n</html>\n", encoding="utf-8")


def _table(table: Table) -> str:
    heads = "".join(f"<th>{escape(head)}</th>" for head in table.heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return f"<table>{caption}<tr>{heads}</tr>{rows}</table>"
