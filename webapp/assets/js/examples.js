/* An example takes the same way as a file of one's own: into the upload box, then the button is pressed. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const TYPES = { mp4: "video/mp4", jpg: "image/jpeg" };

  /* Waits until a part of the page is there; gives null after so many milliseconds. */
  const until = async (look, patience) => {
    const end = performance.now() + patience;
    for (;;) {
      const found = look();
      if (found || performance.now() > end) return found || null;
      await new Promise((done) => setTimeout(done, 60));
    }
  };

  const run = async (name, tab) => {
    const box = document.querySelector(`#${tab}-files`);
    const start = document.querySelector(`#${tab}-start`);
    if (!box || !start || start.disabled) return;
    box.querySelector("button[aria-label='Clear']")?.click(); // what was chosen before waits for another time
    const input = await until(() => box.querySelector("input[type=file]"), 3000);
    const answer = await fetch(`examples/${name}`);
    if (!answer.ok || !input) throw new Error(`${name}: ${answer.status}`);
    app.give(input, new File([await answer.blob()], name, { type: TYPES[name.split(".").pop()] }));
    if (!(await until(() => box.querySelector(".file-preview"), 20_000))) throw new Error(`${name}: not taken`);
    start.click();
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-example]");
    if (!button || button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    const { example, tab } = button.dataset;
    try {
      await run(example, tab);
    } catch (problem) {
      console.info("example:", problem);
      const hint = button.closest(".examples").querySelector(".hint");
      hint.setAttribute("role", "alert");
      hint.textContent = app.t("try.failed");
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
})();
