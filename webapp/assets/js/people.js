/* Names for people: one typed into a card goes to the server, which writes it into every file of the result. */
(() => {
  "use strict";
  const app = window.EMOTION;

  const show = (result, face, name) => {
    result.querySelectorAll(`[data-person="${face}"]`).forEach((node) => {
      node.textContent = name || node.dataset.usual;
    });
  };

  const save = async (field) => {
    const result = field.closest("[data-result]");
    const said = field.parentElement.querySelector("[data-name-said]");
    const [face, name] = [field.dataset.nameOf, field.value.trim()];
    said.textContent = "…";
    let kept = false;
    try {
      const body = new URLSearchParams({ face, name });
      kept = (await fetch(`result/${result.dataset.result}/people`, { method: "POST", body })).ok;
    } catch (problem) {
      console.info("name:", problem);
    }
    if (kept) show(result, face, name);
    said.textContent = app.t(kept ? "clip.name.saved" : "clip.name.failed");
  };

  document.addEventListener("change", (event) => {
    const field = event.target.closest?.("[data-name-of]");
    if (field) save(field);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.("[data-name-of]")) event.target.blur();
  });
})();
