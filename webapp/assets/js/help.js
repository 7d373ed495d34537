/* A word of help where a thing stands: a question mark opens it by mouse, touch and keyboard. Escape, another
 * click and the mark itself close it. */
(() => {
  "use strict";
  const app = window.EMOTION;
  app.cards = {}; // by name: what makes the content of a card that is more than a sentence
  let card;
  let owner = null; // the button whose card is open

  const close = () => {
    if (!owner) return;
    owner.setAttribute("aria-expanded", "false");
    owner.removeAttribute("aria-describedby");
    owner = null;
    card.hidePopover?.();
    card.hidden = true;
    card.remove();
  };

  const place = () => {
    const from = owner.getBoundingClientRect();
    const left = Math.max(8, Math.min(from.left + from.width / 2 - card.offsetWidth / 2, innerWidth - card.offsetWidth - 8));
    const below = from.bottom + 8;
    const fits = below + card.offsetHeight <= innerHeight - 8;
    card.style.left = `${left}px`;
    card.style.top = `${fits ? below : Math.max(8, from.top - card.offsetHeight - 8)}px`;
  };

  const open = (button) => {
    close();
    if (!card) {
      card = document.createElement("div");
      card.className = "help-card";
      card.id = "help-card";
      card.setAttribute("role", "status");
      card.popover = "manual"; // above all else, also in full screen and where a panel cuts off
    }
    owner = button;
    button.after(card); // what can be used in it comes next for the keyboard
    card.hidden = false;
    const name = button.dataset.help;
    card.replaceChildren(app.cards[name] ? app.cards[name]() : app.t("help." + name));
    card.showPopover?.();
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-describedby", card.id);
    place();
  };
  app.help = (button) => (owner === button ? close() : open(button));

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-help]");
    if (button) {
      event.preventDefault();
      app.help(button);
    } else if (owner && !card.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !owner) return;
    const button = owner;
    event.preventDefault();
    close();
    button.focus();
  });
  window.addEventListener("scroll", () => owner && place(), { passive: true, capture: true });
  window.addEventListener("resize", close);

  /* Gradio draws the sliders of the Video page: their marks are put beside their names as they come. */
  const waiting = new Map([
    ["#video-smoothing", ["smoothing", "video.smoothing"]],
    ["#video-threshold", ["threshold", "video.threshold"]],
  ]);
  const attach = () => {
    for (const [where, [name, words]] of waiting) {
      const label = document.querySelector(`${where} label`);
      if (!label) continue;
      const mark = document.createElement("button");
      Object.assign(mark, { type: "button", className: "help", textContent: "?" });
      mark.dataset.help = name;
      mark.setAttribute("aria-expanded", "false");
      mark.setAttribute("aria-label", app.t("help.open", { name: app.t(words) }));
      label.after(mark);
      waiting.delete(where);
    }
    return !waiting.size;
  };
  app.until(attach);
})();
