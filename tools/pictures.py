"""Pictures: the screens over the demo, in German and English, into docs/pictures: `make pictures`.

The demo as `etappe demo` builds it, with the personas that are found in it, a map of one of them, an empty one, and a
decision that is invented.
"""

import base64
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from playwright.sync_api import Page  # noqa: E402
from window import chromium, served  # noqa: E402

from etappe.apps.demo import build_demo  # noqa: E402
from etappe.maps.document import dump_map  # noqa: E402
from etappe.maps.draft import template  # noqa: E402

OUT = ROOT / "docs" / "pictures"
WIDTH, LEAST, MOST = 1440, 640, 1300
QUALITY, LARGEST = 90, 150_000
MAP = "/maps/werbebrief-coupon-kasse"
PICTURES = {
    "overview": "/",
    "funnel": "/explore?step=mailing_a&step=store_purchase&step=coupon_redeemed&within=30d",
    "paths": "/explore?tab=paths",
    "maps": "/maps",
    "map": MAP,
    "map-edited": f"{MAP}?edit=1",
    "map-grid": f"{MAP}?view=grid",
    "map-curve": f"{MAP}?view=curve",
    "map-plan": f"{MAP}?view=plan",
    "personas": "/personas",
    "touchpoints": "/touchpoints",
    "opportunities": "/opportunities?open=werbebrief-coupon-kasse/passende_coupons",
    "outcomes": "/outcomes",
}
"""The name of each picture, and the address of what it shows."""


def made(folder: Path, lang: str) -> None:
    """The demo in a language, its personas and three maps."""
    workspace = build_demo(folder, lang=lang)
    workspace.find_personas(keep=True)
    persona = workspace.personas()[0]
    workspace.put(dump_map(workspace.draft_map_of(persona.id, lang=lang).map), "draft.yaml")
    workspace.put(dump_map(template("service-blueprint")), "blueprint.yaml")
    invented = {"author": "Lena", "started": "2017-05-01", "finished": "2017-05-08"}
    workspace.decide("werbebrief-coupon-kasse", "passende_coupons", "done", **invented)
    workspace.close()


def taken(page: Page) -> bytes:
    """What the window shows, as WebP: Chromium makes it, so that this needs no library of its own."""
    page.wait_for_load_state("networkidle")
    page.set_viewport_size({"width": WIDTH, "height": LEAST})
    whole = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": min(MOST, whole)})
    page.wait_for_timeout(500)
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    session.detach()
    return base64.b64decode(shot["data"])


def main() -> None:
    """Take a picture of each screen, in each language."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name, chromium() as browser:
        for lang in ("de", "en"):
            folder = Path(name) / lang
            made(folder, lang)
            with served(folder) as client:
                page = browser.new_page(locale=lang, color_scheme="light", reduced_motion="reduce")
                for picture, path in PICTURES.items():
                    page.goto(client.address + path)
                    page.locator("h1").first.wait_for(state="attached")
                    content = taken(page)
                    if len(content) > LARGEST:
                        raise SystemExit(f"{picture}.{lang}: {len(content):,} bytes are too many for a page.")
                    (OUT / f"{picture}.{lang}.webp").write_bytes(content)
                page.close()


if __name__ == "__main__":
    main()
