"""What a job's page shows while it moves: every state of it, with the time at which it was there."""

import collections

# Counts by status, and the status of each execution on the page, noted whenever anything changes.
OBSERVE = """() => {
  window.__states = [];
  const look = () => {
    const counts = {};
    for (const at of document.querySelectorAll('#live [data-status]'))
      counts[at.dataset.status] = +at.dataset.count;
    const cells = {};
    for (const link of document.querySelectorAll('#live td a[href^="/executions/"]'))
      cells[link.getAttribute('href').split('/')[2]] = link.textContent.replace(/[^a-z ]/g, '').trim();
    const said = document.querySelector('#live .ended');
    window.__states.push({at: Date.now(), counts, cells, said: said && said.textContent});
  };
  look();
  new MutationObserver(look).observe(document.body,
    {subtree: true, childList: true, attributes: true, characterData: true});
}"""
ENDED = ["completed", "failed", "timed_out", "cancelled"]
# What a cell says, and the status that it is counted as, where they have different names.
COUNTED_AS = {"empty": "completed", "truncated": "completed", "blocked": "completed", "timed out": "timed_out"}


def observe(page):
    page.evaluate(OBSERVE)


def states(page):
    return page.evaluate("window.__states")


def of_cells(state):
    """Counts by status of the cells on the page."""
    return collections.Counter(COUNTED_AS.get(said, said) for said in state["cells"].values())


def add_up(states, expected, where):
    """At every moment, and with the cells where the page has all of them: a row is there before it is counted."""
    for state in states:
        counts = state["counts"]
        assert sum(counts.values()) == expected, f"{where}: {counts} are not {expected} executions"
        ended = sum(counts[status] for status in ENDED)
        cells = of_cells(state)
        behind = cells.total() == expected and sum(cells[status] for status in ENDED) < ended
        assert not behind, f"{where}: {counts}, and its cells are {cells}"
        assert state["said"].startswith(f"{ended} of {expected}"), f"{where}: {counts}, and it says {state['said']}"
    counts, cells = states[-1]["counts"], of_cells(states[-1])
    differ = cells.total() == expected and any(cells[status] != counts[status] for status in ENDED)
    assert not differ, f"{where}: {counts} at the end, and its cells are {cells}"
    for before, after in zip(states, states[1:]):
        for status in ENDED:
            less = after["counts"][status] < before["counts"][status]
            assert not less, f"{where}: {status} went from {before['counts']} to {after['counts']}"


def first_shown(states, execution):
    """When the page first showed that it had ended, milliseconds; none where it never did."""
    over = {"completed", "failed", "timed out", "cancelled", "empty", "truncated", "blocked"}
    for state in states:
        if state["cells"].get(execution) in over:
            return state["at"]
    return None
