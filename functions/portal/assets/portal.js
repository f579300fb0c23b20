// What the portal does beside htmx: the focus of a form's errors, files that come in parts, and
// estimates without large files.
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
  async function reason(response) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const said = page.querySelector(".empty p")?.textContent.trim();
    return said || `The server answered ${response.status}.`;
  }

  // A part; one that is asked for too soon is asked for again.
  async function part(address) {
    for (let tries = 1; ; tries += 1) {
      const response = await fetch(address, { credentials: "same-origin", redirect: "manual" });
      if (response.ok) return response;
      if (response.type === "opaqueredirect") throw new Error("The session is over: sign in again.");
      const passes = response.status === 429 || response.status === 503;
      if (!passes || tries === 5) throw new Error(await reason(response));
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
})();
