"""What is wrong with an open page: overflow and what axe finds, in themes and widths."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.chromium import settled
from tests.browser.people import NARROW, WIDE

GRAVE = {"serious", "critical"}
# What reaches over the right edge without a scroller of its own around it.
OVERFLOWING = """() => {
  const inside = (one) => {
    for (let box = one.parentElement; box && box !== document.body; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return true;
    }
    return false;
  };
  const width = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
  const over = [...document.body.querySelectorAll("*")].filter((one) => {
    const box = one.getBoundingClientRect();
    return one.checkVisibility() && box.width > 0 && box.right > width + 1 && getComputedStyle(one).position !== "fixed" && !inside(one);
  });
  return [...wide, ...over.slice(0, 5).map((one) => one.outerHTML.slice(0, 160))];
}"""
# Axe measures contrast of what is there, not of what fades in.
STILL = """() => Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
  .map((one) => one.finished.catch(() => undefined)))"""


def look(
    page: Page,
    name: str,
    themes: Sequence[str] = ("light", "dark"),
    sizes: Sequence[dict[str, int]] = (WIDE, NARROW),
) -> list[str]:
    """What is wrong with the page that is open; the person's theme is the system's."""
    found = []
    axe = Axe()
    for scheme in themes:
        for size in sizes:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            settled(page)
            page.evaluate(STILL)
            where = f"{name}, {scheme}, {size['width']} px"
            found += [f"{where}: overflow: {one}" for one in page.evaluate(OVERFLOWING)]
            for one in axe.run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]:
                if one["impact"] in GRAVE:
                    nodes = [f"{node['html'][:160]} ({node['failureSummary'][:200]})" for node in one["nodes"][:3]]
                    found.append(f"{where}: {one['id']}: {nodes}")
    page.set_viewport_size(WIDE)
    return found
