"""The app and its dashboard in each language, in a real browser: one choice for all, and no text cut off."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.running import RunningApp
from webapp.shared import i18n

pytestmark = [pytest.mark.browser]

CUT = """
() => {
  const asked = "button, label, summary, h1, h2, h3, h4, [role=tab], a.download, select, legend, " +
    ".stMarkdownBadge, [data-testid=stMetricLabel], [data-testid=stMetricValue], .app-head a";
  const found = [];
  for (const node of document.querySelectorAll(asked)) {
    const box = node.getBoundingClientRect();
    if (!box.width || !box.height || !node.checkVisibility({ visibilityProperty: true })) continue;
    const closed = node.closest("[data-testid=stSidebar][aria-expanded=false]"); // it moves out for a while
    if (closed || box.right <= 0) continue;
    if (node.matches(".app-head select")) {
      const look = getComputedStyle(node);
      const pen = Object.assign(document.createElement("canvas").getContext("2d"), { font: look.font });
      const room = node.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight) - 16;
      const text = node.selectedOptions[0]?.text ?? "";
      if (pen.measureText(text).width > room) found.push(`SELECT: ${text}`);
    }
    const inside = [node, ...node.querySelectorAll("*")].filter((n) => n.clientWidth > 0);
    for (const one of inside) {
      const clips = getComputedStyle(one).overflowX !== "visible";
      if (clips && one.scrollWidth > one.clientWidth + 1 && one.innerText?.trim()) {
        found.push(`${one.tagName} ${one.className}: ${one.innerText.trim().slice(0, 80)}`);
      }
    }
    const scrolled = node.closest("nav, [role=tablist], .tab-nav, .scroll");
    const said = node.innerText.trim();
    if (!scrolled && said && (box.right > innerWidth + 1 || box.left < -1)) {
      found.push(`beside the page, ${node.tagName}: ${said.slice(0, 80)}`);
    }
  }
  const wide = document.scrollingElement.scrollWidth - innerWidth;
  if (wide > 1) found.push(`the page is ${wide} pixels too wide`);
  return [...new Set(found)];
}
"""
"""Gives what is cut off in the headings, labels and buttons that can be seen."""


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_text_is_cut_off_on_a_phone(open_page: Callable[..., Any], app: RunningApp, language: str) -> None:
    words = i18n.words(language)
    page = open_page(width=390, height=800, locale=language)
    assert page.evaluate("document.documentElement.lang") == language
    cut = {}
    for tab in ("live", "video", "picture", "model"):
        page.evaluate(f"location.hash = '{tab}'")  # a tab without room is in Gradio's own menu
        page.wait_for_timeout(300)
        cut[tab] = page.evaluate(CUT)
    page.goto(app.url + "dashboard/?made=conversation&page=overview")
    page.get_by_role("heading", name=words["page.overview"], exact=True).wait_for()
    page.get_by_text(words["dash.overview.ribbon.about"]).wait_for()
    page.locator(".js-plotly-plot .ytick").first.wait_for()
    assert page.evaluate("document.documentElement.lang") == language
    said = page.get_by_test_id("stMain").inner_text()
    for key in (
        "term.found",
        "core.valence.mean",
        "term.shares",
        "chart.share",
        "emotion.Happy",
        "video.moments",
    ):
        assert words[key] in said, key
    cut["overview"] = page.evaluate(CUT)
    assert {place: found for place, found in cut.items() if found} == {}


def test_one_choice_of_language_holds_everywhere(open_page: Callable[..., Any], app: RunningApp) -> None:
    hindi, german = i18n.words("hi"), i18n.words("de")
    page = open_page(locale="pt-BR")
    page.locator("select.language").select_option("hi")
    page.get_by_text(hindi["app.tagline"]).wait_for()
    board = (
        page.context.new_page()
    )  # Streamlit asks for its health below the page's path first: 404, no fault
    board.set_default_timeout(60_000)
    board.goto(app.url + "dashboard/?made=conversation&page=people&language=zh")
    board.get_by_role(
        "heading", name=i18n.words("zh")["page.people"], exact=True
    ).wait_for()  # as a link asks
    board.locator(".app-head select").select_option("de")
    board.get_by_role("heading", name=german["page.people"], exact=True).wait_for()
    assert "language=" not in board.url
    board.get_by_role("link", name=german["page.table"]).click()
    board.get_by_role("heading", name=german["page.table"], exact=True).wait_for()
    board.reload()
    board.get_by_role("heading", name=german["page.table"], exact=True).wait_for()
    page.goto(app.url)
    page.get_by_text(german["app.tagline"]).wait_for()
