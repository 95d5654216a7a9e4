"""Colours: every one that a graph draws can be seen on its card, light and dark, by deuteranopes too; a version has one in every panel."""
import base64

import pytest

from conftest import MODEL, Dashboard


def luminance(colour):
    parts = [value / 255 for value in colour]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def rgb(text):
    return tuple(int(text[index:index + 2], 16) for index in (1, 3, 5))


def opened(browser, server, scheme, by_button=False, **view):
    page = Dashboard(browser, server, width=1440, color_scheme=scheme if not by_button else ("dark" if scheme == "light" else "light")).open(**view)
    if by_button:
        page.page.get_by_role("button", name="Theme").click()
        page.settled()
    return page


PALETTE = """async () => { const { $chart: { colours }, $graphs: { shades, parts } } = await import(new URL("shared.js", document.baseURI)); return { palette: colours(), shades, parts }; }"""


@pytest.mark.parametrize("by_button", [False, True])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_a_series_is_seen_on_its_card(browser, week, scheme, by_button):
    page = opened(browser, week, scheme, by_button, kind="openSource", period="7d")
    found = page.page.evaluate(PALETTE)
    palette = found["palette"]
    card = rgb(palette["card"])
    assert (luminance(card) > 0.5) == (scheme == "light")
    faint = {name: round(ratio(rgb(colour), card), 2) for name, colour in palette.items() if name not in ("card", "line") and ratio(rgb(colour), card) < 3}
    assert faint == {}
    # Of what is beside each other no two are alike.
    for group in (found["shades"], found["parts"], ["failure", "failure2", "failure3", "failure4", "failure5"], ["input", "output"], ["latency", "high", "top"]):
        values = [rgb(palette[name]) for name in group]
        assert min(sum(abs(a - b) for a, b in zip(one, other)) for index, one in enumerate(values) for other in values[:index]) > 60, group
    page.close()


@pytest.mark.parametrize("view", [{"kind": "openSource", "overlay": "1"}, {"kind": "openSource", "percentiles": "1"}, {"kind": "external"}, {"kind": "openSource", "lens": "analysis", "objective": "1s"}, {"page": "compare", "kind": "openSource", "otherPeriod": "before"}])
def test_graphs_draw_colours_of_the_palette_only(page, view):
    page.open(period="7d" if "page" not in view else "2026-03-05..2026-03-06", **view)
    palette = set(page.page.evaluate(PALETTE)["palette"])
    drawn = page.page.locator(".chart").evaluate_all("(charts) => charts.flatMap(({ spec }) => [...spec.series, ...(spec.limits || []), ...(spec.marks || []), ...(spec.bands || [])].map(({ colour }) => colour))")
    assert drawn and set(drawn) <= palette, set(drawn) - palette
    # Dashed is what limits, or is of the other run.
    lines = page.page.locator(".chart").evaluate_all("(charts) => charts.flatMap(({ spec }) => spec.series.map(({ colour, line }) => [colour, line]))")
    assert all(line in ("solid", None) or colour == "other" for colour, line in lines), lines


def test_a_version_has_one_colour_and_mark_in_every_panel(page):
    page.open(kind="openSource", period="7d", model=MODEL, overlay="1")
    marks = {}
    for kind in ("latency", "requests", "scaling"):
        for label, colour, marker, line in page.widget(kind).locator(".chart").evaluate("(chart) => chart.spec.series.map(({ label, colour, marker, line }) => [label, colour, marker, line])"):
            if label.startswith("Failed"):
                assert colour.startswith("failure") and marker == f"hollow {marks[label.split(', ')[1]][1]}"
                continue
            version = label.split(", ")[-1] if ", " in label else label.split(" · ")[-1]
            assert marks.setdefault(version, (colour, marker)) == (colour, marker) and line == "solid", (kind, label, colour, marker, marks)
    assert set(marks) == {"V 1", "V+2"} and len(set(marks.values())) == 2 and marks["V 1"] == ("latency", "disc")
    # The legends show them.
    glyphs = {kind: page.widget(kind).locator(".key i, .legend i").evaluate_all("(swatches) => swatches.map(({ dataset }) => dataset.glyph)") for kind in ("latency", "requests", "scaling")}
    assert glyphs["latency"] == glyphs["scaling"] == ["●", "■"] and glyphs["requests"] == ["●", "○", "■", "□"]
    # Another period changes nobody's.
    page.open(kind="openSource", period="2026-03-05", model=MODEL, overlay="1")
    for label, colour, marker in page.widget("scaling").locator(".chart").evaluate("(chart) => chart.spec.series.map(({ label, colour, marker }) => [label, colour, marker])"):
        assert marks[label.split(" · ")[-1]] == (colour, marker)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_deuteranopes_tell_successes_from_failures(browser, week, scheme):
    page = opened(browser, week, scheme, kind="openSource", period="7d", model=MODEL)
    page.page.context.new_cdp_session(page.page).send("Emulation.setEmulatedVisionDeficiency", {"type": "deuteranopia"})
    # Colours as they are seen: a stretch of the swatch beside its mark.
    boxes = [swatch.bounding_box() for swatch in page.widget("requests").locator(".key i").all()]
    picture = base64.b64encode(page.page.screenshot(full_page=True)).decode()
    scroll = page.page.evaluate("scrollY")
    blank = browser.new_page()
    green, red, card = (tuple(pixel) for pixel in blank.evaluate("""async ([text, places]) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${text}`)).blob());
        const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        return places.map(([x, y]) => [...context.getImageData(Math.round(x), Math.round(y), 1, 1).data].slice(0, 3));
    }""", [picture, [[box["x"] + 2, box["y"] + scroll + 1] for box in boxes] + [[boxes[0]["x"] + 2, boxes[0]["y"] + scroll - 6]]]))
    blank.close()
    assert ratio(green, card) >= 3 and ratio(red, card) >= 3, (green, red, card)
    markers = page.widget("requests").locator(".chart").evaluate("(chart) => chart.spec.series.map(({ marker }) => marker || 'disc')")
    # By lightness, or at least by what marks them; both in the graph and in its key.
    assert ratio(green, red) >= 1.5, (ratio(green, red), green, red)
    assert markers == ["disc", "cross"]
    page.close()


def test_swatches_keep_their_colours_in_forced_colours(browser, week):
    page = Dashboard(browser, week, width=1440, forced_colors="active").open(kind="openSource", period="7d")
    for kind in ("requests", "scaling", "credits"):
        swatches = page.widget(kind).locator(".key i, .legend i")
        seen = swatches.evaluate_all("(swatches) => swatches.map((swatch) => { const style = getComputedStyle(swatch); return swatch.className === 'block' ? style.backgroundColor : style.borderTopColor; })")
        assert len(seen) == len(set(seen)) > 1, (kind, seen)
    page.close()
