/* Files that are too large, or of no kind that is read here, are refused before they travel, in the reader's language. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const BOXES = "#video-files, #picture-files";

  const complain = (box, words) => {
    let note = box.parentElement.querySelector("[data-upload-problem]");
    if (!note) {
      note = document.createElement("p");
      note.className = "note bad";
      note.dataset.uploadProblem = "";
      note.setAttribute("role", "alert");
      box.after(note);
    }
    note.textContent = words;
  };

  /* The chooser of the system offers all files, too, and a dropped one has passed no chooser. */
  const isKnown = (box, file) => {
    const kinds = app.kinds[box.id];
    return kinds.some((ending) => file.name.toLowerCase().endsWith(ending));
  };
  const problemOf = (box, files) => {
    const strange = files.find((file) => !isKnown(box, file));
    if (strange) return app.t("clip.wrong", { name: strange.name, kinds: app.kinds[box.id].join(" ") });
    const large = files.find((file) => file.size > app.megabytes * 1024 ** 2);
    if (!large) return null;
    const megabytes = Math.ceil(large.size / 1024 ** 2);
    return app.t("error.large", { name: large.name, megabytes, limit: app.megabytes });
  };

  const check = (event, files) => {
    const box = event.target.closest?.(BOXES);
    if (!box || !files?.length) return;
    box.parentElement.querySelector("[data-upload-problem]")?.remove();
    const words = problemOf(box, [...files]);
    if (!words) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.target.value) event.target.value = "";
    complain(box, words);
  };

  /* Caught on their way down, before Gradio sees them. */
  document.addEventListener("change", (event) => check(event, event.target.files), true);
  document.addEventListener("drop", (event) => check(event, event.dataTransfer?.files), true);
})();
