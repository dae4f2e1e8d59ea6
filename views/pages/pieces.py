"""The pieces of a page that stand on it a hundred times: measures and bars, as markup. Pure.

Templates could write them as macros, but a page has hundreds, and the calls of a template engine
would take longer than everything else together. Whoever shows a share here shows its count.
"""

from typing import Any

from babel.support import Translations
from markupsafe import Markup, escape

from views.pages.results_page import Measure
from views.pages.typography import Typography


class Pieces:
    """The pieces in one language."""

    def __init__(self, typography: Typography, texts: Translations) -> None:
        self._write = typography
        self._texts = texts

    def share(self, m: Measure) -> Markup:
        """Write a percentage: never "0%" for some, nor "100%" for not all."""
        return Markup(escape(self.written(m)))  # noqa: S704 -- escaped here

    def written(self, m: Measure) -> str:
        """Write a percentage as text."""
        assert m.percent is not None, "a share is shown only where there is one"
        if m.count and not m.percent:
            return f"<\u00a0{self._write.percent(1)}"
        if m.count < m.base and m.percent == 100:
            return f">\u00a0{self._write.percent(99)}"
        return self._write.percent(m.percent)

    def bar(self, m: Measure, kind: str) -> Markup:
        """Draw a share with its interval; `kind` is a class of the style sheet."""
        whisker = ""
        if m.low is not None and m.high is not None:
            width = max((m.high - m.low) * 100, 0.4)
            whisker = (f'<rect class="whisker" x="{m.low * 100:.1f}%" width="{width:.1f}%" y="4" '
                       'height="2"/>')
        return Markup(  # noqa: S704 -- numbers, and a class that our own templates name
            f'<svg class="bar bar-{kind}" width="100%" height="10" aria-hidden="true" '
            'focusable="false"><rect class="track" width="100%" height="10"/><rect class="fill" '
            f'width="{m.count * 100 / m.base:.2f}%" height="10"/>{whisker}</svg>')

    def measure(self, m: Measure, kind: str) -> Markup:
        """Write a share with its bar, count, base and interval; few votes have counts alone."""
        if not m.base:
            none = self._texts.gettext("no vote yet")
            inner = f'<span class="of">{escape(none)}</span>'
        elif m.percent is None:
            text = self._texts.ngettext("of %(base)s vote", "of %(base)s votes", m.base)
            inner = (f'<span class="value">{self._write.integer(m.count)}</span>\n<span class="of">'
                     f"{escape(text % {'base': self._write.integer(m.base)})}</span>")
        else:
            inner = self._whole(m, kind)
        return Markup(f'<div class="measure">\n{inner}\n</div>')  # noqa: S704 -- escaped above

    def _whole(self, m: Measure, kind: str) -> str:
        text = self._texts.ngettext(
            "%(count)s of %(base)s vote", "%(count)s of %(base)s votes", m.base)
        of = text % {"count": self._write.integer(m.count), "base": self._write.integer(m.base)}
        made = (f'<span class="value">{self.share(m)}</span>\n{self.bar(m, kind)}\n'
                f'<span class="of">{escape(of)}</span>')
        if m.low is None or m.high is None:
            return made
        between = self._texts.gettext("from %(low)s to %(high)s") % {
            "low": self._write.percent_to_a_tenth(m.low),
            "high": self._write.percent_to_a_tenth(m.high)}
        return f'{made}\n<span class="interval">{escape(between)}</span>'

    def split(self, found: dict[str, Measure]) -> Markup:
        """Draw agree, disagree and neutral as a bar of whole votes, then write them in words."""
        names = {"agree": self._texts.gettext("Agree"),
                 "disagree": self._texts.gettext("Disagree"),
                 "neutral": self._texts.gettext("Neutral")}
        lines, parts, start = [], [], 0.0
        for name, label in names.items():
            m = found[name]
            if m.base:
                width = m.count * 100 / m.base
                parts.append(f'<rect class="{name}" x="{start:.3f}%" width="{width:.3f}%" '
                             'height="20"/>')
                start += width
            lines.append(self._line(name, label, m))
        bar = (f'<svg class="bar split" width="100%" height="20" aria-hidden="true" '
               f'focusable="false">{"".join(parts)}</svg>\n') if parts else ""
        made = f'{bar}<ul class="legend">\n{"".join(lines)}</ul>'
        return Markup(made)  # noqa: S704 -- escaped in _line

    def _line(self, name: str, label: str, m: Measure) -> str:
        share = "" if m.percent is None else f' <span class="value">{self.share(m)}</span>'
        text: Any = self._texts.ngettext("%(count)s vote", "%(count)s votes", m.count)
        count = f'<span class="number">{self._write.integer(m.count)}</span>'
        return (f'<li class="measure" data-live-choice="{name}"><svg class="swatch" width="14" '
                f'height="14" aria-hidden="true" focusable="false"><rect class="{name}" width="14" '
                f'height="14"/></svg><span class="name">{escape(label)}</span>{share} '
                f'<span class="of">{str(escape(text)).replace("%(count)s", count)}</span></li>\n')
