/* Files that are too large are refused before they travel, in the reader's language. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const BOXES = "#video-files, #picture-files";

  const complain = (box, file) => {
    let note = box.parentElement.querySelector("[data-upload-problem]");
    if (!note) {
      note = document.createElement("p");
      note.className = "note bad";
      note.dataset.uploadProblem = "";
      note.setAttribute("role", "alert");
      box.after(note);
    }
    const megabytes = Math.ceil(file.size / 1024 ** 2);
    note.textContent = app.t("error.large", { name: file.name, megabytes, limit: app.megabytes });
  };

  const check = (event, files) => {
    const box = event.target.closest?.(BOXES);
    if (!box || !files?.length) return;
    box.parentElement.querySelector("[data-upload-problem]")?.remove();
    const large = [...files].find((file) => file.size > app.megabytes * 1024 ** 2);
    if (!large) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.target.value) event.target.value = "";
    complain(box, large);
  };

  /* Caught on their way down, before Gradio sees them. */
  document.addEventListener("change", (event) => check(event, event.target.files), true);
  document.addEventListener("drop", (event) => check(event, event.dataTransfer?.files), true);
})();
