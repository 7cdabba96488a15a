"use strict";
const controls = ["text", "state", "level"].map(id => document.getElementById(id));
const [text, state, level] = controls;
const shown = document.getElementById("shown");
const cases = [...document.querySelectorAll("tr.case")].map(row => ({
  row,
  words: row.textContent.toLowerCase(),
  states: row.dataset.states.split(" "),
}));

function filter() {
  const wanted = text.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const { row, words, states } of cases) {
    const fits = wanted.every(word => words.includes(word))
      && (!state.value || states.includes(state.value))
      && (!level.value || row.dataset.level === level.value);
    row.hidden = !fits;
    count += fits;
  }
  for (const group of document.querySelectorAll("tbody")) {
    const left = group.querySelectorAll("tr.case:not([hidden])").length;
    group.hidden = left === 0;
    group.querySelector(".left").textContent = left === 1 ? "1 case" : `${left} cases`;
  }
  shown.textContent = `${count} of ${cases.length} cases`;
}

// The filter is in the fragment of the URL, so that a link can be shared.
function read() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const control of controls) control.value = wanted.get(control.id) ?? "";
  filter();
}

function write() {
  const wanted = new URLSearchParams();
  for (const control of controls) if (control.value) wanted.set(control.id, control.value);
  history.replaceState(null, "", `#${wanted}`);
  filter();
}

for (const control of controls) control.addEventListener("input", write);
addEventListener("hashchange", read);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
read();
