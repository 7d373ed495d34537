/* The live view's side panels, drawn from small numbers: probabilities, the plane, the last 30 seconds. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const SECONDS = 30;
  const BIN = 0.25; // seconds of one column of the timeline
  const TRAIL = 4; // seconds of the plane's trail

  const fit = (canvas) => {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (width && height && (canvas.width !== width || canvas.height !== height)) {
      canvas.width = width;
      canvas.height = height;
    }
    return ratio;
  };

  const theme = () => {
    const style = getComputedStyle(document.body);
    const read = (name) => style.getPropertyValue(name).trim();
    return { ink: read("--body-text-color"), quiet: read("--body-text-color-subdued"), line: read("--border-color-primary") };
  };

  /* What is known of each face over the last 30 seconds: a ring of bins, so it never grows. */
  class History {
    constructor() {
      this.faces = new Map();
    }
    add(face, time, size) {
      let kept = this.faces.get(face.id);
      if (!kept) this.faces.set(face.id, (kept = { bins: [], trail: [], seen: 0 }));
      kept.seen = time;
      const start = Math.floor(time / BIN) * BIN;
      let bin = kept.bins[kept.bins.length - 1];
      if (!bin || bin.start !== start) {
        bin = { start, n: 0, p: new Float32Array(size) };
        kept.bins.push(bin);
        while (kept.bins.length && kept.bins[0].start < time - SECONDS - BIN) kept.bins.shift();
      }
      bin.n += 1;
      face.p.forEach((value, i) => (bin.p[i] += value));
      kept.trail.push({ time, v: face.v, a: face.a });
      while (kept.trail.length && kept.trail[0].time < time - TRAIL) kept.trail.shift();
    }
    forget(time) {
      for (const [id, kept] of this.faces) if (kept.seen < time - SECONDS) this.faces.delete(id);
    }
  }

  class Panels {
    constructor(root) {
      this.root = root;
      this.bars = root.querySelector("[data-bars]");
      this.plane = root.querySelector("[data-plane]");
      this.numbers = ["valence", "arousal"].map((name) => root.querySelector(`[data-${name}]`));
      this.line = root.querySelector("[data-line]");
      this.chips = root.querySelector("[data-chips]");
      this.chosen = null; // the face a person has chosen, else the largest is shown
      this.labels = [];
      this.colors = theme();
      this.slow = 0;
      new MutationObserver(() => {
        this.colors = theme();
        this.plate = null;
      }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.setLabels(app.labels);
      this.reset();
    }

    reset() {
      this.history = new History();
      this.chosen = null;
      this.shown = "";
      this.chips.textContent = "";
      this.chips.append(this.hint());
      this.rows?.forEach((row) => this.write(row, 0, true));
      this.writePlane(null);
      this.draw(performance.now() / 1000, null);
    }

    hint() {
      const span = document.createElement("span");
      span.className = "quiet";
      span.textContent = app.t(this.root.dataset.view === "running" ? "live.noface" : "live.empty");
      return span;
    }

    setLabels(labels) {
      if (labels.join() === this.labels.join()) return;
      this.labels = labels;
      this.bars.textContent = "";
      this.rows = labels.map((label) => {
        const row = document.createElement("div");
        row.className = "bar-row";
        row.setAttribute("role", "meter");
        row.setAttribute("aria-valuemin", "0");
        row.setAttribute("aria-valuemax", "100");
        row.setAttribute("aria-label", app.label(label));
        const name = document.createElement("span");
        name.className = "bar-name";
        name.textContent = app.label(label);
        const track = document.createElement("span");
        track.className = "bar-track";
        const fill = document.createElement("span");
        fill.className = "bar-fill";
        fill.style.background = app.color(label);
        track.append(fill);
        const number = document.createElement("span");
        number.className = "bar-number";
        row.append(name, track, number);
        this.bars.append(row);
        const parts = { row, fill, number, said: null };
        this.write(parts, 0, true);
        return parts;
      });
    }

    /* The number moves with its bar; what screen readers are told changes less often. */
    write(parts, value, words) {
      parts.fill.style.transform = `scaleX(${value.toFixed(3)})`;
      const percent = Math.round(value * 100);
      if (percent !== parts.said) {
        parts.said = percent;
        parts.number.textContent = `${percent} %`;
      }
      if (words) parts.row.setAttribute("aria-valuenow", String(percent));
    }

    writePlane(face) {
      const sign = (v) => (v < 0 ? "−" : "+") + app.number(Math.abs(v), 2);
      const said = face ? [sign(face.v), app.number(face.a, 2)] : ["–", "–"];
      this.numbers.forEach((place, i) => {
        if (place.textContent !== said[i]) place.textContent = said[i];
      });
    }

    /* Shows the next of the faces in view, by their numbers. */
    next(faces) {
      const ids = faces.map((face) => face.id).sort((a, b) => a - b);
      if (!ids.length) return;
      const now = this.choose(faces).id;
      this.chosen = ids[(ids.indexOf(now) + 1) % ids.length];
    }

    choose(faces) {
      const kept = faces.find((face) => face.id === this.chosen);
      if (kept) return kept;
      return faces.reduce((a, b) => (a && a.box[2] * a.box[3] >= b.box[2] * b.box[3] ? a : b), null);
    }

    showChips(faces, face) {
      const key = faces.map((f) => f.id).join() + "|" + (face?.id ?? "");
      if (key === this.shown) return;
      this.shown = key;
      this.chips.textContent = "";
      if (!faces.length) return this.chips.append(this.hint());
      for (const one of faces) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "chip";
        chip.textContent = app.t("live.face", { id: one.id });
        chip.setAttribute("aria-pressed", String(one === face));
        chip.addEventListener("click", () => {
          this.chosen = one.id;
          this.shown = "";
        });
        this.chips.append(chip);
      }
    }

    /* One analysed frame; words and the timeline change five times a second, bars and plane each time. */
    update(result, time) {
      for (const face of result.faces) this.history.add(face, time, this.labels.length);
      this.history.forget(time);
      const face = this.choose(result.faces);
      const words = time - this.slow > 0.2;
      if (words) {
        this.slow = time;
        this.showChips(result.faces, face);
      }
      this.rows?.forEach((row, i) => this.write(row, face ? face.p[i] : 0, words));
      this.writePlane(face);
      this.drawPlane(time, face);
      if (words) this.drawLine(time, face);
    }

    draw(time, face) {
      this.drawPlane(time, face);
      this.drawLine(time, face);
    }

    /* The plane's axes and words don't move: they are drawn once for each size and theme. */
    background(ratio) {
      const { width, height } = this.plane;
      if (this.plate && this.plate.width === width && this.plate.height === height) return this.plate;
      const plate = document.createElement("canvas");
      plate.width = width;
      plate.height = height;
      const c = plate.getContext("2d");
      const pad = 14 * ratio;
      c.strokeStyle = this.colors.line;
      c.lineWidth = ratio;
      c.strokeRect(pad, pad, width - 2 * pad, height - 2 * pad);
      c.beginPath();
      c.moveTo(width / 2, pad);
      c.lineTo(width / 2, height - pad);
      c.moveTo(pad, height / 2);
      c.lineTo(width - pad, height / 2);
      c.stroke();
      c.font = `${11 * ratio}px system-ui, sans-serif`;
      c.textAlign = "center";
      c.textBaseline = "middle";
      for (const [label, [v, a]] of Object.entries(app.coordinates)) {
        if (this.labels.length && !this.labels.includes(label)) continue;
        const x = pad + ((v + 1) / 2) * (width - 2 * pad);
        const y = pad + (1 - a) * (height - 2 * pad);
        c.fillStyle = app.color(label);
        c.beginPath();
        c.arc(x, y, 3 * ratio, 0, 7);
        c.fill();
        c.fillStyle = this.colors.quiet;
        /* Angry, Fear and Surprise lie so close that their words would meet above them. */
        const side = { Fear: -1, Angry: 1 }[label] || 0;
        const rise = { Surprise: -11 }[label] ?? 10;
        c.textAlign = ["right", "center", "left"][side + 1];
        c.fillText(app.label(label), x + side * 7 * ratio, y - (side ? 0 : rise) * ratio);
      }
      return (this.plate = plate);
    }

    drawPlane(time, face) {
      const ratio = fit(this.plane);
      const { width, height } = this.plane;
      const c = this.plane.getContext("2d");
      c.clearRect(0, 0, width, height);
      c.drawImage(this.background(ratio), 0, 0);
      const trail = face && this.history.faces.get(face.id)?.trail;
      if (!trail?.length) return;
      const pad = 14 * ratio;
      const x = (v) => pad + ((v + 1) / 2) * (width - 2 * pad);
      const y = (a) => pad + (1 - a) * (height - 2 * pad);
      c.strokeStyle = app.accent;
      c.lineWidth = 2.5 * ratio;
      c.lineCap = "round";
      const steps = 8; // pieces of equal fading
      for (let s = 0; s < steps; s += 1) {
        const from = Math.floor((s * trail.length) / steps);
        const to = Math.min(trail.length - 1, Math.floor(((s + 1) * trail.length) / steps));
        if (to <= from) continue;
        c.globalAlpha = (s + 1) / steps;
        c.beginPath();
        c.moveTo(x(trail[from].v), y(trail[from].a));
        for (let i = from + 1; i <= to; i += 1) c.lineTo(x(trail[i].v), y(trail[i].a));
        c.stroke();
      }
      c.globalAlpha = 1;
      const last = trail[trail.length - 1];
      c.beginPath();
      c.arc(x(last.v), y(last.a), 6 * ratio, 0, 7);
      c.fillStyle = face.u ? app.uncertain : app.color(this.labels[face.e]);
      c.fill();
      c.strokeStyle = this.colors.ink;
      c.lineWidth = 1.5 * ratio;
      c.stroke();
    }

    drawLine(time, face) {
      const ratio = fit(this.line);
      const { width, height } = this.line;
      const c = this.line.getContext("2d");
      c.clearRect(0, 0, width, height);
      const foot = 16 * ratio;
      const bottom = height - foot;
      const x = (t) => width - ((time - t) / SECONDS) * width;
      const bins = (face && this.history.faces.get(face.id)?.bins) || [];
      bins.forEach((bin, n) => {
        /* A slow stream leaves bins out: up to a second is carried over, longer gaps are shown as gaps. */
        const next = bins[n + 1]?.start ?? bin.start + BIN;
        const end = next - bin.start <= 1 ? next : bin.start + BIN;
        const left = Math.floor(x(bin.start)); // whole pixels: no seams
        const column = Math.ceil(Math.min(width, x(end))) - left;
        let top = bottom;
        for (let i = 0; i < this.labels.length; i += 1) {
          const tall = (bin.p[i] / bin.n) * bottom;
          c.fillStyle = app.color(this.labels[i]);
          c.fillRect(left, top - tall, column, tall);
          top -= tall;
        }
      });
      c.fillStyle = this.colors.quiet;
      c.font = `${10.5 * ratio}px system-ui, sans-serif`;
      c.textBaseline = "bottom";
      for (const back of [30, 20, 10, 0]) {
        c.textAlign = back === 30 ? "left" : back === 0 ? "right" : "center";
        c.fillText(back ? `−${back} s` : app.t("live.now"), x(time - back), height);
      }
      c.strokeStyle = this.colors.line;
      c.lineWidth = ratio;
      c.strokeRect(0.5, 0.5, width - 1, bottom - 1);
    }
  }
  app.Panels = Panels;
})();
