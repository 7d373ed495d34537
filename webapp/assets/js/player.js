/* The video tab: a click on a moment or on the timeline seeks the player above it. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const seek = (inside, seconds) => {
    const video = inside.closest("[data-result]")?.querySelector("video");
    if (!video || !Number.isFinite(seconds)) return;
    video.currentTime = seconds;
    if (inside.matches("button")) video.scrollIntoView({ block: "nearest", behavior: "smooth" });
  };

  document.addEventListener("click", (event) => {
    const moment = event.target.closest?.("[data-seek]");
    if (moment) return seek(moment, Number(moment.dataset.seek));
    const line = event.target.closest?.("[data-timeline]");
    if (line) seek(line, app.tracksOf(line).timeAt(event.clientX));
  });

  document.addEventListener("keydown", (event) => {
    const line = event.target.closest?.("[data-timeline]");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const video = line?.closest("[data-result]")?.querySelector("video");
    if (!video || !step) return;
    event.preventDefault();
    seek(line, Math.min(video.duration, Math.max(0, video.currentTime + step)));
  });

  /* `timeupdate` does not bubble, so it is caught on its way down. */
  const follow = (event) => {
    const video = event.target;
    const result = video.closest?.("[data-result]");
    if (!result || !video.duration) return;
    result.querySelectorAll("[data-tracks]").forEach((tracks) => app.tracksOf(tracks)?.follow(video.currentTime));
  };
  for (const name of ["timeupdate", "seeking", "loadedmetadata"]) document.addEventListener(name, follow, true);

  /* Chips show one part of a result at a time: a person, a picture. */
  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.("[data-shows]");
    if (!chip) return;
    const group = chip.closest("[data-group]");
    group.querySelectorAll("[data-shows]").forEach((other) => {
      other.setAttribute("aria-pressed", String(other === chip));
    });
    group.querySelectorAll("[data-part]").forEach((part) => {
      part.hidden = part.dataset.part !== chip.dataset.shows;
    });
  });
})();
