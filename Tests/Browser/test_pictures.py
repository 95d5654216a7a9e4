"""Pages of figures as they looked when somebody last looked at them: at five widths, light and dark. The dashboard's own are in test_rules."""
import pytest

from conftest import MODEL, Dashboard, looks_as_it_did

VIEWS = {"overview": {"page": "overview", "period": "7d", "objective": "1s"}, "analysis": {"kind": "openSource", "period": "7d", "lens": "analysis", "objective": "1s"}, "expanded": {"kind": "openSource", "period": "7d", "model": MODEL}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1440, 1920, 2560])
@pytest.mark.parametrize("name", VIEWS)
def test_pages_look_as_they_did(browser, week, name, width, scheme):
    page = Dashboard(browser, week, width=width, height=round(width * 0.75) if width > 400 else 800, color_scheme=scheme).open(**VIEWS[name])
    if name == "expanded":
        page.page.get_by_role("button", name="Expand, Requests").click()
        page.page.locator("#expanded [data-widget=requests] canvas").wait_for()
        page.settled()
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    looks_as_it_did(browser, page, f"{name}-{width}-{scheme}")
    page.close()
