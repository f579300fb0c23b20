"""What every page is held against: barriers that axe-core finds, its width, and how large what is pressed is."""

import itertools

import place
from axe_playwright_python.sync_playwright import Axe

WIDTHS = [390, 1440]
SCHEMES = ["light", "dark"]
# Where axe-core looks for barriers, by all of its rules: those of WCAG and its best practices.
LOOKED_FOR = [(390, "light"), (1440, "dark")]
AXE = {"resultTypes": ["violations"]}


def barriers(page):
    found = Axe().run(page, options=AXE).response["violations"]
    said = []
    for violation in found:
        for node in violation["nodes"][:3]:
            summary = " ".join(node["failureSummary"].split())
            said.append(f"{violation['id']}: {node['html'][:200]} ({summary[:300]})")
    return said


def looked_at(watched, name):
    """A picture, and what is wrong, of the page as it is, in each scheme and width."""
    page, wrong = watched.page, []
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        place.PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place.PICTURES / f"{name}-{width}-{scheme}.png", full_page=True)
        # Colours are of a scheme and not of a width; what it takes is seconds a page.
        if (width, scheme) in LOOKED_FOR:
            wrong += [f"{name} at {width} px in {scheme}: {said}" for said in barriers(page)]
            wrong += [f"{name} at {width} px: smaller than 24 px: {said}" for said in small(page)]
        try:
            watched.fits(f"{name} in {scheme}")
        except AssertionError as error:
            wrong.append(str(error))
    return wrong


def is_without_barriers(watched, name):
    """The page as it is."""
    wrong = looked_at(watched, name)
    watched.is_sound(name)
    assert not wrong, "\n".join(wrong)


def all_are_sound(watched, addresses):
    wrong = []
    for name, address in addresses.items():
        path, status = address if isinstance(address, tuple) else (address, 200)
        watched.go(path, status)
        wrong += looked_at(watched, name)
        watched.is_sound(name)
    assert not wrong, "\n".join(wrong)


def small(page):
    """What is pressed and is smaller than 24 px (WCAG 2.5.8)."""
    return page.evaluate(SMALL)


# A link may be as small as the text is that it stands in. Any other has the room at least: a circle of 24 px
# around its middle touches nothing else that is pressed.
SMALL = """() => {
  const pressed = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const area = (box) => box.width * box.height;
  const larger = (at) => [at, ...(at.labels || [])].map((one) => one.getBoundingClientRect())
    .reduce((most, box) => (area(box) > area(most) ? box : most));
  const all = [...document.querySelectorAll(pressed)]
    .filter((at) => at.checkVisibility() && !at.matches('.skip'))
    .map((at) => ({at, box: larger(at)}))
    .map(({at, box}) => ({at, box, x: box.left + box.width / 2, y: box.top + box.height / 2}));
  const large = ({box}) => box.width >= 23.9 && box.height >= 23.9;
  const inText = ({at}) => at.matches('a:not(nav a, .button)') &&
    [...at.parentElement.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && /\\w/.test(one.data));
  const apart = (one, other) => {
    const across = Math.max(other.box.left - one.x, 0, one.x - other.box.right);
    const down = Math.max(other.box.top - one.y, 0, one.y - other.box.bottom);
    const middles = Math.hypot(one.x - other.x, one.y - other.y);
    return Math.hypot(across, down) >= 12 && (large(other) || middles >= 24);
  };
  const hasRoom = (one) => one.at.matches('a:not(.button)') && all.every((other) => other === one || apart(one, other));
  return all.filter((one) => !large(one) && !inText(one) && !hasRoom(one))
    .map(({at, box}) => `${Math.round(box.width)} × ${Math.round(box.height)}: ${at.outerHTML.slice(0, 120)}`)
    .slice(0, 5);
}"""


def focus_by(page, key, times):
    """Where a key leads the focus, and where nothing was to be seen of what had it."""
    reached, hidden = [], []
    for _ in range(times):
        page.keyboard.press(key)
        at = page.evaluate(FOCUSED)
        reached.append(at["what"])
        hidden += [] if at["isSeen"] else [at["what"]]
    return reached, hidden


# Whether any of nine points of what has the focus is in sight, and not under something else.
FOCUSED = """() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  const parts = [0.05, 0.5, 0.95];
  const points = parts.flatMap((x) => parts.map((y) => [box.left + box.width * x, box.top + box.height * y]));
  const isSeen = points.some(([x, y]) => at.contains(document.elementFromPoint(x, y)));
  return {isSeen, what: at.getAttribute('href') || at.tagName};
}"""
