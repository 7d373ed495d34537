"""The pages of the dashboard: a file in `views` for each, and its line here.

The menu, links of the form ?page=NAME and the benchmark read `PAGES`. A view is imported when it is first
opened, which keeps the start short.
"""

from dataclasses import dataclass
from importlib import import_module

from webapp.shared import speech
from webapp.shared.i18n import words


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its module in `views` and place in the address, its English title, and its sign in the menu."""

    name: str
    title: str
    icon: str

    @property
    def shown(self) -> str:
        """The title in the language that is spoken: the text `page.` and its name, where there is one."""
        return speech.say(key) if (key := f"page.{self.name}") in words("en") else self.title

    def draw(self) -> None:
        """Draw it: call `page()` of its view."""
        import_module(f"webapp.dashboard.views.{self.name}").page()


PAGES: dict[str, Page] = {
    page.name: page
    for page in (
        Page("files", "Files", ":material/folder_open:"),
        Page("overview", "Overview", ":material/dashboard:"),
        Page("timeline", "Timeline", ":material/timeline:"),
        Page("plane", "Valence and arousal", ":material/explore:"),
        Page("people", "People", ":material/group:"),
        Page("signals", "Signals", ":material/ecg_heart:"),
        Page("compare", "Compare", ":material/compare_arrows:"),
        Page("moments", "Moments", ":material/bolt:"),
        Page("events", "Events", ":material/event_note:"),
        Page("agreement", "Agreement", ":material/handshake:"),
        Page("coding", "Blind coding", ":material/visibility_off:"),
        Page("table", "Table", ":material/table_rows:"),
        Page("export", "Report and export", ":material/ios_share:"),
    )
}
"""Every page by its name, in the order of the menu; the first is the one that opens."""
