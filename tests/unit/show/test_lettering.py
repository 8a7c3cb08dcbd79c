from __future__ import annotations

import pytest

from seewhy.show.lettering import fitted, measured, plain, wrapped


def test_any_text_becomes_one_line_that_the_font_can_draw():
    assert plain("a\nb\r\n\tc\u2028d\u00a0e") == "a b c d e"
    assert plain("x\u202ey\u2066z\x00\u200bw") == "xyzw"
    assert plain("猫 🐈 cat") == "□ □ cat"
    assert plain("łódź Ελλάδα Москва שלום") == "łódź Ελλάδα Москва שלום"
    assert plain("\ud800") == ""


def test_widths_add_up_and_scale():
    one = measured("minibus", size=10)
    assert measured("minibus", size=20) == pytest.approx(2 * one, rel=0.02)
    assert measured("minibus", size=10, bold=True) > one
    # seven letters of roughly half an em each
    assert 7 * 0.4 * 10 / 72 < one < 7 * 0.7 * 10 / 72


@pytest.mark.parametrize("width", [0.3, 1.0, 2.0])
def test_a_cut_line_is_the_longest_that_fits(width):
    text = "a class whose name goes on and on and on"
    cut = fitted(text, width, size=10)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert measured(cut, size=10) <= width
    following = text[: len(cut[:-1]) + 2].rstrip()
    assert measured(following + "…", size=10) > width


def test_what_fits_is_left_alone():
    assert fitted("cat", 1, size=10) == "cat"


def test_wrapping_breaks_between_words_and_keeps_them_all():
    text = "no region's effect is distinguishable from zero"
    lines = wrapped(text, 1.5, size=8.5, lines=5)
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(measured(line, size=8.5) <= 1.5 for line in lines)
    assert wrapped(text, 1.5, size=8.5, lines=1)[0].endswith("…")
