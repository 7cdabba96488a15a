"use strict";

// The page works without this file: its forms lead back to it. Here they are sent in the
// background, and the page is fetched again whenever the emulator tells of a change.

// The key starts hidden, before anything of the page is painted.
document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  const byId = (id) => document.getElementById(id);
  const confirmation = byId("confirm");
  let seen = "";
  let lost = false;
  let quiet = 0;

  // Read aloud, whatever it is; painted only where nothing else on the page shows it.
  function say(text, { painted = false, stays = false } = {}) {
    clearTimeout(quiet);
    byId("status").classList.toggle("unseen", !painted);
    byId("status").textContent = text;
    if (!stays) {
      quiet = setTimeout(() => say("", { stays: true }), 8000);
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
    const answer = await fetch(path, { cache: "no-store", ...init });
    if (!answer.ok) {
      throw new Error(`${path} answered ${answer.status}`);
    }
    return answer.text();
  }

  // Only what differs is replaced, and no button is part of that: the focus stays where it is.
  async function refresh() {
    const before = newestChange().dataset.nth;
    const fresh = new DOMParser().parseFromString(await get("./"), "text/html");
    useLocalTimes(fresh);
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (part.innerHTML !== next.innerHTML) {
        part.replaceChildren(...next.childNodes);
      }
    }
    if (newestChange().dataset.nth !== before) {
      say(newestChange().querySelector(".what").textContent);
    }
  }

  async function watch() {
    try {
      const changes = await get("changes");
      if (changes !== seen || lost) {
        await refresh();
        seen = changes;
      }
      if (lost) {
        lost = false;
        say("The emulator answers again.", { painted: true });
      }
    } catch {
      if (!lost) {
        lost = true;
        const told = "The emulator does not answer: what you see may be out of date.";
        say(told, { painted: true, stays: true });
      }
    }
    setTimeout(watch, 1000);
  }

  function setHidden(hidden) {
    byId("key").toggleAttribute("data-hidden", hidden);
    byId("show").textContent = hidden ? "Show key" : "Hide key";
  }

  async function copyKey() {
    try {
      await navigator.clipboard.writeText(byId("full").textContent);
      say("The key is in the clipboard.", { painted: true });
    } catch {
      setHidden(false);
      getSelection().selectAllChildren(byId("full"));
      say("The browser does not let this page copy. The key is selected: copy it by hand.", {
        painted: true,
      });
    }
  }

  async function send(form) {
    try {
      await get(form.action, { method: "POST" });
      await refresh();
    } catch {
      say("That did not work: the emulator did not answer as it should.", { painted: true });
    }
  }

  byId("show").addEventListener("click", () => setHidden(!byId("key").hasAttribute("data-hidden")));
  byId("copy").addEventListener("click", copyKey);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter?.formMethod === "dialog") {
      return;
    }
    event.preventDefault();
    if (form.id === "ask") {
      confirmation.showModal();
      return;
    }
    if (confirmation.contains(form)) {
      confirmation.close();
    }
    send(form);
  });

  // Opened by its address, as without a script.
  if (confirmation.open) {
    confirmation.close();
    confirmation.showModal();
    history.replaceState(null, "", "./");
  }

  useLocalTimes(document);
  watch();
});
