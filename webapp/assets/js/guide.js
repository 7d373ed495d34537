/* Four steps for somebody who is here for the first time. They cover nothing that is needed, take no focus, and
 * never come back by themselves once closed; the foot of the page shows them again. */
(() => {
  "use strict";
  const app = window.EMOTION;
  /* What each step is about: the first of these that can be seen is framed. */
  const STEPS = [
    ["#tabs .tab-wrapper"],
    ["[data-live] .panels", "[data-result]", "#video-result .empty", "#picture-result .empty"],
    ["[data-live] .controls", "#video-options"],
    ["[data-live] .buttons", "#tabs .elsewhere"],
  ];
  let card = null;
  let step = 0;

  const point = () => {
    document.querySelectorAll(".pointed").forEach((node) => node.classList.remove("pointed"));
    if (!card) return;
    const nodes = STEPS[step].map((where) => document.querySelector(where));
    nodes.find((node) => node?.getClientRects().length)?.classList.add("pointed");
  };

  const close = () => {
    app.remember("guide", "done");
    card?.remove();
    card = null;
    point();
  };

  const button = (key, onClick, kind = "quiet-act") => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: `act ${kind}`, textContent: app.t(key) });
    made.addEventListener("click", onClick);
    return made;
  };

  const show = (focus) => {
    const [title, text, count] = ["h2", "p", "span"].map((tag) => document.createElement(tag));
    title.textContent = app.t(`guide.${step + 1}.title`);
    title.id = "guide-title";
    title.tabIndex = -1;
    text.textContent = app.t(`guide.${step + 1}`);
    count.className = "quiet";
    count.textContent = app.t("guide.step", { n: step + 1, of: STEPS.length });
    const away = button("guide.close", close, "guide-close");
    away.setAttribute("aria-label", away.textContent);
    away.textContent = "✕";
    const row = document.createElement("div");
    row.className = "guide-row";
    row.append(count);
    if (step) row.append(button("guide.back", () => turn(-1)));
    const last = step === STEPS.length - 1;
    row.append(last ? button("guide.done", close, "") : button("guide.next", () => turn(1), ""));
    card.replaceChildren(title, away, text, row);
    if (focus) title.focus();
    point();
  };
  const turn = (by) => {
    step += by;
    show(true);
  };

  const open = (focus) => {
    step = 0;
    card ||= document.createElement("aside");
    card.className = "guide";
    card.setAttribute("aria-label", app.t("guide.title"));
    document.body.prepend(card); // the first thing that the keyboard reaches
    show(focus);
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-guide]")) open(true);
    else if (event.target.closest?.('#tabs button[role="tab"]')) setTimeout(point, 100);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && card?.contains(document.activeElement)) close();
  });

  app.until(() => {
    if (app.recall("guide") === "done") return true;
    return document.querySelector('#tabs button[role="tab"]') && (open(false), true);
  });
})();
