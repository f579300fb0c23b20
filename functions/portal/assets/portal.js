// What the portal does beside htmx: where the focus is and that it is seen, requests that fail, files that come in
// parts, and estimates without large files.
"use strict";

(() => {
  // A browser that does not know `autofocus` on other elements than fields gets it from here.
  const problems = document.getElementById("problems");
  if (problems) problems.focus();

  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  // Bytes of a file that is put together here: a browser holds all of them in memory.
  const MOST = 500e6;
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  // What an error's page says, else its status.
  function reason(text, status) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const said = page.querySelector(".empty p")?.textContent.trim();
    return said || `The server answered ${status}.`;
  }

  // A part; one that is asked for too soon is asked for again.
  async function part(address) {
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(address, { credentials: "same-origin", redirect: "manual" });
      if (response.ok) return response;
      if (response.type === "opaqueredirect") throw new Error("The session is over: sign in again.");
      const passes = response.status === 429 || response.status === 503;
      if (!passes || tries === 5) throw new Error(reason(await response.text(), response.status));
      await pause(Math.min(Number(response.headers.get("retry-after")) || tries, 60));
    }
  }

  class TooLarge extends Error {}

  // Parts one after the other, until one names no next.
  async function whole(first, told) {
    const parts = [];
    let [address, type, bytes] = [first, "", 0];
    while (address) {
      const response = await part(address);
      const content = await response.blob();
      bytes += content.size;
      if (bytes > MOST) throw new TooLarge();
      type = response.headers.get("content-type") || "";
      address = response.headers.get("beacon-next");
      parts.push(content);
      told(parts.length, bytes);
    }
    return new Blob(parts, { type });
  }

  function save(content, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  async function download(link) {
    const name = link.dataset.file;
    const line = document.getElementById("download");
    const say = (...text) => { if (line) line.replaceChildren(...text); };
    link.setAttribute("aria-disabled", "true");
    say(`${name}: the first part is being loaded.`);
    try {
      const content = await whole(link.href, (parts, bytes) => say(`${name}: part ${parts}, ${megabytes(bytes)} so far.`));
      save(content, name);
      say(`${name}: all ${megabytes(content.size)} are there.`);
    } catch (error) {
      if (error instanceof TooLarge) {
        const parts = document.createElement("a");
        parts.href = link.dataset.parts;
        parts.textContent = "part by part";
        say(`${name} has more than ${megabytes(MOST)}, too much to put together here; nothing was saved. Take it `, parts, ", or with beacon export.");
        return;
      }
      say(`${name}: the download broke off; nothing was saved. ${error.message}`);
    } finally {
      link.removeAttribute("aria-disabled");
    }
  }

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest("a[data-file]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain) return;
    event.preventDefault();
    if (!link.hasAttribute("aria-disabled")) download(link);
  });

  // A large CSV is not sent at each pause of typing: the estimate says that it is without it.
  const LARGE = 64 * 1024;
  document.addEventListener("htmx:config:request", (event) => {
    const { sourceElement, request } = event.detail.ctx;
    if (sourceElement.id !== "estimated" || !(request.body instanceof FormData)) return;
    const size = (value) => (value instanceof File ? value.size : (value || "").length);
    const fields = ["csv_file", "csv"];
    if (!fields.some((name) => size(request.body.get(name)) > LARGE)) return;
    fields.forEach((name) => request.body.delete(name));
    request.body.set("csv_left_out", "yes");
  });

  const stamp = (at) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

  // What is asked for again and again, by its id. The line that says that it is not up to date is there before it
  // says anything: of one that comes with its text a screen reader may say nothing.
  const moving = new Map();
  for (const element of document.querySelectorAll("[hx-trigger^='every ']")) {
    const line = document.createElement("p");
    line.className = "outdated";
    line.setAttribute("role", "status");
    element.before(line);
    moving.set(element.id, { line, failures: 0, since: new Date() });
  }

  function succeeded(element) {
    const known = moving.get(element.id);
    if (!known) return;
    Object.assign(known, { failures: 0, since: new Date() });
    known.line.replaceChildren();
  }

  // What stands there is of another form, or of before: it must not look like what is so now.
  function failed(element, why) {
    if (element.id === "estimated") {
      const line = document.createElement("p");
      line.className = "problem";
      line.textContent = `The estimate could not be made: ${why}`;
      element.replaceChildren(line);
    }
    const known = moving.get(element.id);
    if (!known) return;
    known.failures += 1;
    // One alone may be chance, and each change of the line is read out.
    if (known.failures === 2) known.line.textContent = `Not up to date since ${stamp(known.since)}: ${why}`;
  }

  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    const { status } = ctx.response;
    // Of a session that is over the page goes to the sign-in.
    if (status !== 401) failed(ctx.sourceElement, reason(ctx.text, status));
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    // With an answer it is this page that failed to put it in place.
    const why = ctx?.response ? "This page could not be changed: load it anew." : "Beacon does not answer just now.";
    if (ctx) failed(ctx.sourceElement, why);
  });

  // What the focus scrolls to in the matrix comes out from under the head and the column that stay, however large
  // they are; without this it does where they are as large as they mostly are.
  const matrix = document.querySelector(".matrix");
  const [head, column] = ["thead", "tbody th"].map((part) => matrix?.querySelector(part));
  if (head && column) {
    const sizes = new ResizeObserver(() => {
      matrix.style.scrollPadding = `${head.offsetHeight + 4}px 0 0 ${column.offsetWidth + 4}px`;
    });
    sizes.observe(head);
    sizes.observe(column);
  }

  // What has the focus as an update comes, and what gets it where that goes: the next of these that stays.
  let places = [];
  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    const [at, all] = [document.activeElement, ctx.sourceElement];
    const section = at?.closest("section[aria-labelledby]");
    const heading = section && document.getElementById(section.getAttribute("aria-labelledby"));
    places = all.contains(at) ? [at, heading, all] : [];
    // What got the focus so keeps it: the update's own markup would take its tabindex away.
    if (!at?.id || at.tabIndex !== -1) return;
    for (const { fragment } of tasks) fragment.getElementById(at.id)?.setAttribute("tabindex", "-1");
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.response.status < 400) succeeded(ctx.sourceElement);
    const place = places.find((one) => one?.isConnected);
    if (!place || document.activeElement !== document.body) return;
    if (place !== places[0]) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  });
})();
