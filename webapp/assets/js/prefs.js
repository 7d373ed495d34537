/* What a visitor chose for all pages of the app, kept in this browser: light or dark, and the language.
 * It runs before the pages' own scripts: Gradio and Streamlit ask the browser for both, and get the choice. */
(() => {
  "use strict";
  const app = (window.EMOTION ??= {});
  const memory = {}; // where nothing may be kept: in a frame on another site
  const read = (key) => {
    try {
      return localStorage.getItem("emotion-" + key);
    } catch {
      return memory[key] ?? null;
    }
  };
  const write = (key, value) => {
    memory[key] = value;
    try {
      localStorage.setItem("emotion-" + key, value);
    } catch (problem) {
      console.info("not kept:", problem);
    }
  };

  app.recall = read;
  app.remember = write;

  const spoken = Object.keys(app.translations);
  const chosen = spoken.includes(read("language")) ? read("language") : null;
  /* Without a choice it is the browser's own: the first of its list that we speak, else English. */
  app.language =
    chosen ||
    (navigator.languages || [navigator.language])
      .map((tag) => tag.toLowerCase().split("-")[0])
      .find((tag) => tag in app.translations) ||
    "en";
  if (chosen) {
    Object.defineProperty(navigator, "language", { get: () => chosen, configurable: true });
    Object.defineProperty(navigator, "languages", { get: () => [chosen], configurable: true });
  }
  app.speak = (language) => {
    write("language", language);
    const address = new URL(location);
    address.searchParams.delete("language"); // of a link to the dashboard: the newer choice is meant
    history.replaceState(history.state, "", address);
    location.reload();
  };

  const plain = window.matchMedia.bind(window);
  const system = plain("(prefers-color-scheme: dark)");
  const asked = new Set(); // objects that stand for a question about light and dark
  app.theme = () => (["light", "dark"].includes(read("theme")) ? read("theme") : system.matches ? "dark" : "light");
  class Scheme extends EventTarget {
    constructor(media, wants) {
      super();
      Object.assign(this, { media, wants, onchange: null });
      asked.add(this);
    }
    get matches() {
      return app.theme() === this.wants;
    }
    addListener(listener) {
      this.addEventListener("change", listener);
    }
    removeListener(listener) {
      this.removeEventListener("change", listener);
    }
  }
  window.matchMedia = (query) => {
    const scheme = /^\s*\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)\s*$/.exec(query);
    return scheme ? new Scheme(query, scheme[1]) : plain(query);
  };
  const tell = () => {
    document.documentElement.style.colorScheme = app.theme();
    document.body?.classList.toggle("dark", app.theme() === "dark");
    for (const scheme of asked) {
      const event = Object.assign(new Event("change"), { matches: scheme.matches, media: scheme.media });
      scheme.onchange?.(event);
      scheme.dispatchEvent(event);
    }
  };
  app.setTheme = (theme) => {
    write("theme", theme);
    tell();
  };
  system.addEventListener("change", tell);
  if (read("theme")) document.documentElement.style.colorScheme = app.theme();
})();
