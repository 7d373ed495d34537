/* The page's own script: its words, and small helpers that the other scripts share.
 * `window.EMOTION` ({translations, colors, ...}) is written into the page by webapp/theme.py. */
(() => {
  "use strict";
  const app = window.EMOTION;

  document.documentElement.lang = app.language;
  const words = app.translations[app.language];

  app.t = (key, values = {}) => {
    const text = words[key] ?? app.translations.en[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  };
  app.label = (name) => (name == null ? "" : words["emotion." + name] ?? name);
  app.number = (value, digits = 0) =>
    value.toLocaleString(app.language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  app.percent = (share) => app.number(Math.round(share * 100)) + " %";
  app.color = (name) => {
    if (name == null) return app.uncertain;
    if (app.colors[name]) return app.colors[name];
    let sum = 0;
    for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
    return app.other[sum % app.other.length];
  };
  app.clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    return Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
  };

  const translate = (root) => {
    const apply = (node) => {
      const text = app.t(node.dataset.i18n);
      if (node.textContent !== text) node.textContent = text;
    };
    if (root.matches?.("[data-i18n]")) apply(root);
    root.querySelectorAll?.("[data-i18n]").forEach(apply);
    root.querySelectorAll?.("[data-i18n-label]").forEach((node) => {
      node.setAttribute("aria-label", app.t(node.dataset.i18nLabel));
      if (node.title !== undefined && node.hasAttribute("data-hover")) node.title = app.t(node.dataset.i18nLabel);
    });
    root.querySelectorAll?.("[data-help-name]").forEach((node) => {
      node.setAttribute("aria-label", app.t("help.open", { name: app.t(node.dataset.helpName) }));
    });
  };
  app.translate = translate;

  /* Gradio draws the page in pieces: calls `look` now, and as they come until it gives something. */
  app.until = (look) => {
    const begin = () => {
      if (look()) return;
      const watch = new MutationObserver(() => look() && watch.disconnect());
      watch.observe(document.body, { childList: true, subtree: true });
    };
    if (document.body) begin();
    else document.addEventListener("DOMContentLoaded", begin);
  };

  /* Puts a file into one of Gradio's boxes as if it had been chosen: sizes are checked, the list is filled. */
  app.give = (input, file) => {
    const given = new DataTransfer();
    given.items.add(file);
    input.files = given.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  /* Gradio draws parts of the page later and again, so new pieces are translated as they come.
   * The live panel changes many times a second and translates itself: it is left out. */
  const observe = () => {
    translate(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.target.closest?.("[data-live]")) continue;
        change.addedNodes.forEach((node) => node.nodeType === 1 && translate(node));
      }
    }).observe(document.body, { childList: true, subtree: true });
  };
  if (document.body) observe();
  else document.addEventListener("DOMContentLoaded", observe);
})();
