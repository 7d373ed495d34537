/* The live view's keys: a letter for each thing that is done often. They can be turned off, and are listed. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const option = (name) => `[data-option='${name}']`;
  /* Where the command line's window has a key for the same thing (l, o), it is the same. */
  const KEYS = [
    ["f", "live.fullscreen", "[data-full]"],
    ["s", "live.snapshot", "[data-snapshot]"],
    ["r", "live.record", "[data-record]"],
    ["c", "live.calibrate", "[data-calibrate]"],
    ["n", "keys.next", null],
    ["m", "live.mirror", option("mirror")],
    ["h", "live.hide", option("hide")],
    ["o", "live.objects", option("objects")],
    ["b", "live.show.bars", option("bars")],
    ["v", "live.show.va", option("va")],
    ["l", "live.show.landmarks", option("landmarks")],
    ["?", "keys.list", "[data-help='keys']"],
  ];
  const root = () => document.querySelector("[data-live]");
  const isOn = () => app.recall("keys") !== "off";

  app.cards.keys = () => {
    const card = document.createElement("div");
    const title = document.createElement("strong");
    title.textContent = app.t("live.keys");
    const list = document.createElement("dl");
    list.className = "keys";
    for (const [key, words, what] of KEYS) {
      if (what && !root().querySelector(what)) continue;
      const term = document.createElement("dt");
      const cap = document.createElement("kbd");
      cap.textContent = key.toUpperCase();
      term.append(cap);
      const said = document.createElement("dd");
      said.textContent = app.t(words);
      list.append(term, said);
    }
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: isOn() });
    box.addEventListener("change", () => app.remember("keys", box.checked ? "on" : "off"));
    label.append(box, " " + app.t("keys.on"));
    const hint = document.createElement("p");
    hint.textContent = app.t("keys.hint");
    card.append(title, list, hint, label);
    return card;
  };

  const isTyping = (node) =>
    node.isContentEditable || node.matches?.("textarea, select, input:not([type=checkbox], [type=range], [type=radio])");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return;
    const live = root();
    if (!live?.offsetParent || live.dataset.view !== "running" || !isOn()) return;
    const typed = event.key.toLowerCase();
    /* A keyboard of another script: by the place of the key. */
    const letter = /^[a-z?]$/.test(typed) ? typed : /^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : "";
    const found = KEYS.find(([key]) => key === letter);
    if (!found) return;
    event.preventDefault();
    if (letter === "n") return live.live.panels.next(live.live.last?.result.faces || []);
    const target = live.querySelector(found[2]);
    if (target && !target.disabled && !target.hidden) target.click();
  });
})();
