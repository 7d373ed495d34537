/* The timelines below a video, drawn from a few numbers a column at any zoom: probabilities stacked, valence and
 * arousal as lines, one axis of time for all people, and in words what the pointer or the player is on. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const AWAY = 255;
  const FULL = 250;
  const CLOSEST = 1; // seconds that a view shows at least
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const AROUSAL = "#0f8b8d";

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const tenths = (seconds) => {
    const all = Math.round(Math.max(0, seconds) * 10);
    return Math.floor(all / 600) + ":" + String(Math.floor(all / 10) % 60).padStart(2, "0") + "." + (all % 10);
  };
  const signed = (value) => (value < 0 ? "−" : "+") + app.number(Math.abs(value), 2);

  class Tracks {
    constructor(root) {
      this.root = root;
      this.length = Number(root.dataset.length) || 1e-6;
      this.columns = Number(root.dataset.columns);
      this.labels = JSON.parse(root.dataset.labels);
      this.wide = this.labels.length + 2;
      this.from = 0;
      this.to = this.length;
      this.rows = [...root.querySelectorAll("[data-curve]")].map((node) => ({ node, data: bytes(node.dataset.curve) }));
      this.reading = root.querySelector("[data-reading]");
      root.addEventListener("pointermove", (event) => this.point(event));
      root.addEventListener("pointerleave", () => this.point(null));
      root.addEventListener("click", (event) => {
        const button = event.target.closest("[data-zoom]");
        if (button) this[button.dataset.zoom]();
      });
      root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      root.addEventListener("keydown", (event) => {
        const what = { "+": "in", "=": "in", "-": "out", 0: "all" }[event.key];
        if (!what || !event.target.closest("[data-timeline]")) return;
        event.preventDefault();
        this[what]();
      });
      new ResizeObserver(() => this.draw()).observe(root);
      new MutationObserver(() => this.draw()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    }

    get video() {
      return this.root.closest("[data-result]")?.querySelector("video");
    }

    /* Shows a stretch of so many seconds around a moment. */
    show(span, middle) {
      const wide = Math.min(this.length, Math.max(Math.min(CLOSEST, this.length), span));
      this.from = Math.min(this.length - wide, Math.max(0, middle - wide / 2));
      this.to = this.from + wide;
      this.draw();
    }
    get middle() {
      const now = this.video?.currentTime ?? 0;
      return now > this.from && now < this.to ? now : (this.from + this.to) / 2;
    }
    in() {
      this.show((this.to - this.from) / 2, this.middle);
    }
    out() {
      this.show((this.to - this.from) * 2, this.middle);
    }
    all() {
      this.show(this.length, 0);
    }
    back() {
      this.show(this.to - this.from, this.from);
    }
    on() {
      this.show(this.to - this.from, this.to);
    }
    wheel(event) {
      const across = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) && event.deltaX;
      if (event.ctrlKey) {
        event.preventDefault();
        const at = this.timeAt(event.clientX);
        const wide = (this.to - this.from) * (event.deltaY > 0 ? 1.25 : 0.8);
        this.show(wide, at + ((this.from + this.to) / 2 - at) * (wide / (this.to - this.from)));
      } else if (across && this.to - this.from < this.length) {
        event.preventDefault();
        const box = this.rows[0].node.getBoundingClientRect();
        this.show(this.to - this.from, (this.from + this.to) / 2 + (across / box.width) * (this.to - this.from));
      }
    }

    timeAt(x) {
      const box = this.rows[0].node.getBoundingClientRect();
      return this.from + Math.min(1, Math.max(0, (x - box.left) / box.width)) * (this.to - this.from);
    }
    shareOf(time) {
      return (time - this.from) / (this.to - this.from);
    }

    /* What a person shows at a moment, in words; null while they aren't seen. */
    say(row, time) {
      const at = Math.min(this.columns - 1, Math.floor((time / this.length) * this.columns)) * this.wide;
      const values = row.data.subarray(at, at + this.wide);
      if (values[0] === AWAY) return null;
      let best = 0;
      for (let i = 1; i < this.labels.length; i += 1) if (values[i] > values[best]) best = i;
      const label = best === this.labels.length - 1 ? app.t("live.uncertain") : app.label(this.labels[best]);
      const words = [`${label} ${app.percent(values[best] / FULL)}`];
      const [valence, arousal] = values.subarray(-2);
      if (valence !== AWAY) words.push(`${app.t("video.valence")} ${signed((valence / FULL) * 2 - 1)}`);
      if (arousal !== AWAY) words.push(`${app.t("video.arousal")} ${app.number(arousal / FULL, 2)}`);
      return words.join(" · ");
    }

    point(event) {
      const node = event?.target.closest?.("[data-curve]");
      const row = this.rows.find((one) => one.node === node) ?? (event && this.rows[0]);
      const time = event && this.timeAt(event.clientX);
      for (const one of this.rows) {
        const hair = one.node.querySelector("[data-hair]");
        hair.hidden = !event;
        if (event) hair.style.left = this.shareOf(time) * 100 + "%";
      }
      if (!event) return (this.reading.textContent = "");
      const name = row.node.previousElementSibling?.textContent ?? "";
      this.reading.textContent = `${tenths(time)} · ${name}: ${this.say(row, time) ?? app.t("live.noface")}`;
    }

    /* The player has moved: mark where, and turn the page when it leaves the view. */
    follow(time) {
      if (time < this.from || time > this.to) this.show(this.to - this.from, time + (this.to - this.from) / 2);
      this.mark(time);
    }

    mark(time) {
      for (const row of this.rows) {
        const mark = row.node.querySelector("[data-playhead]");
        mark.hidden = time < this.from || time > this.to;
        mark.style.left = this.shareOf(time) * 100 + "%";
        row.node.setAttribute("aria-valuenow", time.toFixed(1));
        row.node.setAttribute("aria-valuetext", [tenths(time), this.say(row, time)].filter(Boolean).join(" · "));
      }
    }

    draw() {
      const style = getComputedStyle(document.body);
      this.ink = style.getPropertyValue("--body-text-color-subdued").trim();
      this.line = style.getPropertyValue("--border-color-primary").trim();
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      for (const { node, data } of this.rows) {
        const [stack, affect] = node.querySelectorAll("canvas");
        this.drawStack(this.fit(stack, ratio), data);
        this.drawAffect(this.fit(affect, ratio), data, ratio);
      }
      this.drawAxis(this.fit(this.root.querySelector("[data-axis]"), ratio), ratio);
      const whole = this.to - this.from >= this.length - 1e-9;
      const off = { back: this.from <= 0, on: this.to >= this.length, out: whole, all: whole };
      this.root.querySelectorAll("[data-zoom]").forEach((button) => {
        button.disabled = off[button.dataset.zoom] ?? this.to - this.from <= Math.min(CLOSEST, this.length);
      });
      this.mark(this.video?.currentTime ?? 0);
    }

    fit(canvas, ratio) {
      const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
      if (width && height && (canvas.width !== width || canvas.height !== height)) Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      return context;
    }

    /* Left and right edge, in pixels, of each column in view. */
    *inView(width) {
      const each = this.length / this.columns;
      const last = Math.min(this.columns - 1, Math.ceil(this.to / each));
      for (let i = Math.max(0, Math.floor(this.from / each)); i <= last; i += 1)
        yield [i, Math.floor(this.shareOf(i * each) * width), Math.floor(this.shareOf((i + 1) * each) * width)];
    }

    drawStack(c, data) {
      const { width, height } = c.canvas;
      for (const [i, left, right] of this.inView(width)) {
        const at = i * this.wide;
        if (data[at] === AWAY) continue;
        let top = height;
        for (let k = 0; k < this.labels.length; k += 1) {
          const tall = (data[at + k] / FULL) * height;
          if (!tall) continue;
          c.fillStyle = k === this.labels.length - 1 ? app.uncertain : app.color(this.labels[k]);
          c.fillRect(left, top - tall, Math.max(1, right - left), tall + 0.5);
          top -= tall;
        }
      }
    }

    drawAffect(c, data, ratio) {
      const { width, height } = c.canvas;
      c.strokeStyle = this.line;
      c.lineWidth = ratio;
      c.beginPath();
      c.moveTo(0, height / 2);
      c.lineTo(width, height / 2);
      c.stroke();
      [[1, AROUSAL], [2, app.accent]].forEach(([back, color]) => {
        c.strokeStyle = color;
        c.lineWidth = 1.6 * ratio;
        c.beginPath();
        let open = false;
        for (const [i, left, right] of this.inView(width)) {
          const value = data[(i + 1) * this.wide - back];
          if (value === AWAY || data[i * this.wide] === AWAY) {
            open = false;
            continue;
          }
          const y = 1 + (1 - value / FULL) * (height - 2);
          if (!open) c.moveTo(left, y);
          c.lineTo((left + right) / 2, y);
          if (!open) c.lineTo(right, y);
          open = true;
        }
        c.stroke();
      });
    }

    drawAxis(c, ratio) {
      const { width, height } = c.canvas;
      const span = this.to - this.from;
      const step = STEPS.find((one) => span / one <= Math.max(2, width / (70 * ratio))) ?? STEPS[STEPS.length - 1];
      c.font = `${11 * ratio}px system-ui, sans-serif`;
      c.textBaseline = "bottom";
      c.fillStyle = this.ink;
      c.strokeStyle = this.ink;
      c.lineWidth = ratio;
      for (let n = Math.ceil(this.from / step - 1e-6); n * step <= this.to + 1e-6; n += 1) {
        const x = this.shareOf(n * step) * width;
        const words = step < 1 ? tenths(n * step) : app.clock(n * step + 1e-6);
        const wide = c.measureText(words).width;
        c.fillRect(x - ratio / 2, 0, ratio, 4 * ratio);
        c.fillText(words, Math.min(width - wide, Math.max(0, x - wide / 2)), height);
      }
    }
  }

  const made = new WeakMap();
  app.tracksOf = (node) => made.get(node?.closest?.("[data-tracks]") ?? node);
  const look = () => {
    document.querySelectorAll("[data-tracks]").forEach((root) => {
      if (made.has(root)) return;
      const tracks = new Tracks(root);
      made.set(root, tracks);
      root.tracks = tracks;
      tracks.draw();
    });
  };
  const begin = () => {
    look();
    new MutationObserver(look).observe(document.querySelector("#video-result") ?? document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
})();
