"""What is wrong with an open page: overflow and what axe finds, in themes and widths."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.people import NARROW, WIDE

COLOURS = ("color-contrast", "link-in-text-block")
"""Of axe's rules, those that a theme can break. All others judge what is the same in every theme, and are asked once
for each width: at another one other things are hidden, or scroll."""
# Two painted frames later, when nothing fades in any more: axe measures the contrast of what is there.
STILL = """
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => undefined)));
"""
# What reaches over the right edge without a scroller of its own around it.
OVERFLOWING = """
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
  const overflowing = [...wide, ...over.slice(0, 5).map((one) => one.outerHTML.slice(0, 160))];
"""
GRAVE = """
  const only = rules ? { runOnly: { type: "rule", values: rules } } : {};
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false, ...only });
  const told = (node) => `${node.html.slice(0, 160)} (${node.failureSummary.slice(0, 200)})`;
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(told).join(", ")}`);
"""
FIND = f"async (rules) => {{ {STILL} {OVERFLOWING} {GRAVE} return [...overflowing.map((one) => `overflow: ${{one}}`), ...grave]; }}"


def look(
    page: Page,
    name: str,
    themes: Sequence[str] = ("light", "dark"),
    sizes: Sequence[dict[str, int]] = (WIDE, NARROW),
) -> list[str]:
    """What is wrong with the page that is open; the person's theme is the system's."""
    found = []
    page.evaluate(AXE_SCRIPT)
    for size in sizes:
        page.set_viewport_size(size)
        for scheme in themes:
            page.emulate_media(color_scheme=scheme)
            rules = None if scheme == themes[0] else list(COLOURS)
            found += [f"{name}, {scheme}, {size['width']} px: {one}" for one in page.evaluate(FIND, rules)]
    page.set_viewport_size(WIDE)
    return found
