/* Where a visitor is: the tab stands in the address and outlives a reload; other pages lie beside the tabs. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const kept = {
    get: () => {
      try {
        return sessionStorage.getItem("emotion-tab");
      } catch {
        return null; // in a frame on another site
      }
    },
    set: (name) => {
      try {
        sessionStorage.setItem("emotion-tab", name);
      } catch (problem) {
        console.info("not kept:", problem);
      }
    },
  };
  const buttons = () => [...document.querySelectorAll('#tabs button[role="tab"]')];
  const nameOf = (button) => button.dataset.tabId;
  const here = () => location.hash.slice(1);

  const go = (name) => {
    const button = buttons().find((one) => nameOf(one) === name);
    if (button && button.getAttribute("aria-selected") !== "true") button.click();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.('#tabs button[role="tab"]');
    const name = button && nameOf(button);
    if (name) {
      kept.set(name);
      if (here() !== name) history.replaceState(history.state, "", "#" + name);
    }
    if (event.target.closest?.(".theme-switch")) app.setTheme(app.theme() === "dark" ? "light" : "dark");
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.(".masthead .language")) app.speak(event.target.value);
  });
  window.addEventListener("hashchange", () => here() && go(here()));

  const elsewhere = (row) => {
    const nav = document.createElement("nav");
    nav.className = "elsewhere";
    nav.setAttribute("aria-label", app.t("app.pages"));
    for (const [key, place] of [["tab.dashboard", "dashboard/"], ["tab.api", "api/v1/docs"]]) {
      const link = document.createElement("a");
      link.href = place;
      link.textContent = app.t(key);
      nav.append(link);
    }
    row.append(nav);
  };
  let arrived = false;
  const look = () => {
    const language = document.querySelector(".masthead .language");
    if (language && language.value !== app.language) language.value = app.language;
    const row = document.querySelector("#tabs .tab-wrapper");
    if (row && !row.querySelector(".elsewhere")) elsewhere(row);
    if (!arrived && buttons().length) {
      arrived = true;
      go(here() || kept.get());
    }
    return arrived && language && row;
  };
  app.until(look);
})();
