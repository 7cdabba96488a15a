"use strict";

// The page also works without this script: its forms lead back to it. With the script, they are sent
// in the background, and the page is fetched again every second.

// Hides the key before the browser paints the page.
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const byId = (id) => document.getElementById(id);
  const confirmation = byId("confirm");
  let lastRefresh = 0;
  let isOffline = false;
  let clearTimer = 0;

  // Screen readers read every message. It is visible only if nothing else on the page shows it.
  function announce(text, { visible = false, stays = false } = {}) {
    clearTimeout(clearTimer);
    byId("status").classList.toggle("visually-hidden", !visible);
    byId("status").textContent = text;
    if (!stays) {
      clearTimer = setTimeout(() => announce("", { stays: true }), 8000);
    }
  }

  function useLocalTimes(root) {
    for (const time of root.querySelectorAll("[data-at]")) {
      time.textContent = new Date(time.dataset.at * 1000).toLocaleTimeString();
    }
  }

  function newestChange() {
    return document.querySelector("#changes li");
  }

  async function get(path, init = {}) {
    const response = await fetch(path, { cache: "no-store", ...init });
    if (!response.ok) {
      throw new Error(`${path} returned ${response.status}`);
    }
    return response.text();
  }

  // Replaces only what differs. That contains no button, so the focus stays where it is.
  async function refresh() {
    lastRefresh += 1;
    const own = lastRefresh;
    const fresh = new DOMParser().parseFromString(await get("./"), "text/html");
    // A later refresh has begun meanwhile. This one could be older than what it shows.
    if (own !== lastRefresh) {
      return;
    }
    useLocalTimes(fresh);
    const before = newestChange().dataset.number;
    for (const part of document.querySelectorAll("[data-live]")) {
      const update = fresh.getElementById(part.id);
      if (part.innerHTML !== update.innerHTML) {
        part.replaceChildren(...update.childNodes);
      }
    }
    if (newestChange().dataset.number !== before) {
      announce(newestChange().querySelector(".what").textContent);
    }
  }

  async function watch() {
    try {
      await refresh();
      if (isOffline) {
        isOffline = false;
        announce("The emulator responds again.", { visible: true });
      }
    } catch {
      if (!isOffline) {
        isOffline = true;
        const message = "The emulator does not respond; this page may be out of date.";
        announce(message, { visible: true, stays: true });
      }
    }
    setTimeout(watch, 1000);
  }

  function setHidden(hidden) {
    byId("main").toggleAttribute("data-hidden", hidden);
    byId("show").textContent = hidden ? "Show key" : "Hide key";
  }

  async function copy(source, name) {
    try {
      await navigator.clipboard.writeText(source.textContent);
      announce(`The ${name} is in the clipboard.`, { visible: true });
    } catch {
      setHidden(false);
      getSelection().selectAllChildren(source);
      announce(`The browser does not let this page copy. The ${name} is selected; copy it yourself.`, {
        visible: true,
      });
    }
  }

  async function send(form) {
    try {
      await get(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      await refresh();
      if (form.dataset.done) {
        announce(form.dataset.done);
      }
    } catch {
      announce("That failed: the emulator returned an error or did not respond.", {
        visible: true,
      });
    }
  }

  byId("show").addEventListener("click", () => setHidden(!byId("main").hasAttribute("data-hidden")));
  for (const button of document.querySelectorAll("[data-copies]")) {
    const { copies, name } = button.dataset;
    button.addEventListener("click", () => copy(byId(copies), name));
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter?.formMethod === "dialog") {
      return;
    }
    event.preventDefault();
    if (form.id === "reset-form") {
      confirmation.showModal();
      return;
    }
    if (confirmation.contains(form)) {
      confirmation.close();
    }
    send(form);
  });

  // The dialog was opened by the address, as it is without a script.
  if (confirmation.open) {
    confirmation.close();
    confirmation.showModal();
    history.replaceState(null, "", "./");
  }

  useLocalTimes(document);
  watch();
});
