/* The stage of the live view: its picture in full screen, and saved on request, in this browser only. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const pad = (n) => String(n).padStart(2, "0");
  const stamp = (t) =>
    `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())}_${pad(t.getHours())}-${pad(t.getMinutes())}-${pad(t.getSeconds())}`;

  class Stage {
    /* `onSize` is called when the picture's place has another size, `say` with the key of a text. */
    constructor(root, onSize, say) {
      this.box = root.querySelector(".stage");
      this.canvas = root.querySelector("[data-canvas]");
      this.full = root.querySelector("[data-full]");
      this.say = say;
      this.full.hidden = !document.fullscreenEnabled; // as on a telephone of Apple's, and in some frames
      this.full.addEventListener("click", () => this.toggle());
      root.querySelector("[data-snapshot]").addEventListener("click", () => this.save());
      document.addEventListener("fullscreenchange", () => {
        this.full.setAttribute("aria-pressed", String(this.isFull));
        onSize();
      });
    }

    get isFull() {
      return document.fullscreenElement === this.box;
    }

    /* Marks are drawn at the size at which they are seen; more pixels than this would cost frames. */
    get widest() {
      return this.isFull ? 1280 : 960;
    }

    /* Where the buttons lie, as rectangles of the canvas, which has `scale` pixels for each of the page. */
    reserved(scale) {
      const from = this.canvas.getBoundingClientRect();
      return [...this.box.querySelectorAll(".stage-tools, .on-stage .badge")]
        .map((node) => node.getBoundingClientRect())
        .filter(({ width }) => width)
        .map(({ left, top, width, height }) => ({
          left: (left - from.left) * scale,
          top: (top - from.top) * scale,
          width: width * scale,
          height: height * scale,
        }));
    }

    toggle() {
      const change = this.isFull ? document.exitFullscreen() : this.box.requestFullscreen();
      change.catch((problem) => console.info("full screen:", problem));
    }

    leave() {
      if (this.isFull) this.toggle();
    }

    /* What is seen goes to the visitor's own downloads, as it is: mirrored, hidden, marked. It is sent nowhere. */
    save() {
      this.canvas.toBlob(
        (blob) => {
          if (!blob) return;
          const link = document.createElement("a");
          link.href = URL.createObjectURL(blob);
          link.download = `live_${stamp(new Date())}.jpg`;
          link.click();
          setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
          this.say("live.snapped");
        },
        "image/jpeg",
        0.92,
      );
    }
  }
  app.Stage = Stage;
})();
