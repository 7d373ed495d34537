/* The head of the pages that Gradio doesn't draw, the dashboard's and the API's: the same places as on the start
 * page, language and theme. It finds the app by its own address, so it works behind a prefix, too. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const base = new URL("./", document.currentScript.src);
  if (location.pathname === base.pathname) return; // the start page has a head of its own
  const words = app.translations[app.language];
  const places = [
    ["tab.live", "#live"],
    ["tab.video", "#video"],
    ["tab.picture", "#picture"],
    ["tab.dashboard", "dashboard/"],
    ["tab.api", "api/v1/docs"],
    ["tab.model", "#model"],
  ];
  const style = `
    .app-head { position: fixed; inset: 0 0 auto 0; height: 52px; z-index: 1000; display: flex; gap: 10px;
      align-items: center; padding: 0 14px; box-sizing: border-box; background: #fff; color: #1b1f2a;
      border-bottom: 1px solid #e0e4ec; font: 600 15px/1.2 Inter, "Segoe UI", system-ui, "Noto Sans", sans-serif; }
    .app-head svg { width: 30px; height: 30px; flex: none; }
    .app-head nav { display: flex; gap: 2px; flex: 1; min-width: 0; overflow-x: auto; scrollbar-width: none; }
    .app-head a { color: #4f5768; text-decoration: none; padding: 8px 13px; border-radius: 999px;
      border: 1px solid transparent; white-space: nowrap; }
    .app-head a:hover { color: #1b1f2a; background: #f6f7fa; }
    .app-head a[aria-current] { color: #6a50b3; border-color: #c9cfdb; }
    .app-head select, .app-head button { font: inherit; font-weight: 500; height: 36px; border-radius: 10px;
      border: 1px solid #c9cfdb; background: none; color: inherit; cursor: pointer; flex: none; }
    .app-head option { background: #fff; color: #1b1f2a; }
    .app-head button { width: 36px; border-radius: 50%; padding: 0; }
    .app-head :focus-visible { outline: 3px solid #6a50b3; outline-offset: 2px; }
    body.dark .app-head { background: #12151c; color: #edeff5; border-color: #222834; }
    body.dark .app-head a { color: #98a1b3; }
    body.dark .app-head a:hover { color: #edeff5; background: #222834; }
    body.dark .app-head a[aria-current] { color: #b9a6e5; border-color: #363d4b; }
    body.dark .app-head select, body.dark .app-head button { border-color: #363d4b; }
    body.dark .app-head option { background: #12151c; color: #edeff5; }
    #root { position: fixed; inset: 52px 0 0 0; transform: translateZ(0); }
    body:not(:has(#root)) { padding-top: 72px; }
    @media (max-width: 640px) { .app-head { gap: 6px; padding: 0 8px; } .app-head svg { display: none; }
      .app-head a { padding: 8px 9px; } .app-head select { max-width: 76px; } }
    @media print { .app-head { display: none; } #root { position: static; transform: none; } }`;

  const draw = () => {
    document.documentElement.lang = app.language;
    const head = document.createElement("header");
    head.className = "app-head";
    head.lang = app.language;
    head.innerHTML = app.mark;
    const nav = document.createElement("nav");
    nav.setAttribute("aria-label", words["app.pages"]);
    for (const [key, place] of places) {
      const link = document.createElement("a");
      link.href = new URL(place, base);
      link.textContent = words[key];
      const here = !place.startsWith("#") && location.pathname.startsWith(new URL(place, base).pathname);
      if (here) link.setAttribute("aria-current", "page");
      nav.append(link);
    }
    const speak = document.createElement("select");
    speak.setAttribute("aria-label", words["app.language"]);
    for (const [tag, name] of Object.entries(app.languages)) speak.append(new Option(name, tag));
    speak.value = app.language;
    speak.addEventListener("change", () => app.speak(speak.value));
    const theme = document.createElement("button");
    theme.type = "button";
    theme.textContent = "◐";
    theme.setAttribute("aria-label", words["app.theme"]);
    theme.addEventListener("click", () => app.setTheme(app.theme() === "dark" ? "light" : "dark"));
    head.append(nav, speak, theme);
    const look = document.createElement("style");
    look.textContent = style;
    document.head.append(look);
    document.body.classList.toggle("dark", app.theme() === "dark");
    document.body.prepend(head);
    nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  };
  if (document.body) draw();
  else document.addEventListener("DOMContentLoaded", draw);
})();
