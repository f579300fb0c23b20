"""What a job's page shows while it moves: every state of it, with the time at which it was there."""

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


def observe(page):
    page.evaluate(OBSERVE)


def states(page):
    return page.evaluate("window.__states")


def add_up(states, expected, where):
    """At every moment."""
    for state in states:
        counts = state["counts"]
        assert sum(counts.values()) == expected, f"{where}: {counts} are not {expected} executions"
        ended = sum(counts[status] for status in ENDED)
        assert state["said"].startswith(f"{ended} of {expected}"), f"{where}: {counts}, and it says {state['said']}"
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
