/* Draws one analysed frame and what was found in it: the browser's side of emotion_core/overlay. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const FONT = '"Inter", "Segoe UI", system-ui, -apple-system, "Noto Sans", sans-serif';
  const covered = document.createElement("canvas");

  const rounded = (c, x, y, w, h, r) => {
    c.beginPath();
    c.roundRect(x, y, w, h, r);
  };

  const ink = (color) => {
    const n = parseInt(color.slice(1), 16);
    const light = 0.299 * (n >> 16) + 0.587 * ((n >> 8) & 255) + 0.114 * (n & 255);
    return light > 150 ? "#14161d" : "#ffffff";
  };

  /* Where each of n pixels lies among k blocks: the first block that it touches, and its share in that. */
  const spread = (n, k) =>
    Array.from({ length: n }, (_, i) => {
      const block = Math.floor((i * k) / n);
      return [block, Math.min(1, ((block + 1) * n) / k - i)];
    });

  /* The mean colours of the blocks of an area, three numbers each; its pixels are RGBA. */
  const means = (data, width, height, across, down) => {
    const wide = (across + 1) * 3; // one block more to each row, and one row more, which stay at nothing
    const sums = new Float64Array(wide * (down + 1));
    const line = new Float64Array(wide);
    const columns = spread(width, across);
    spread(height, down).forEach(([row, above], y) => {
      line.fill(0);
      columns.forEach(([block, before], x) => {
        for (let i = 0; i < 3; i++) {
          const value = data[4 * (y * width + x) + i];
          line[block * 3 + i] += value * before;
          line[block * 3 + 3 + i] += value * (1 - before);
        }
      });
      line.forEach((value, i) => {
        sums[row * wide + i] += value * above;
        sums[(row + 1) * wide + i] += value * (1 - above);
      });
    });
    return sums.map((sum) => (sum * across * down) / (width * height));
  };

  /* Pixelates a face as emotion_core/overlay/hiding.py does, by its numbers, which the server has sent. */
  const hideFace = (c, [x, y, w, h]) => {
    const { side, over, across: most, down: tallest, step } = app.hiding;
    const box = [Math.round(x), Math.round(y), Math.round(x + w), Math.round(y + h)];
    const [dx, dy] = [Math.round((box[2] - box[0]) * side), Math.round((box[3] - box[1]) * over)];
    const [left, top] = [Math.max(0, box[0] - dx), Math.max(0, box[1] - dy)];
    const width = Math.min(c.canvas.width, box[2] + dx) - left;
    const height = Math.min(c.canvas.height, box[3] + dy) - top;
    if (width < 1 || height < 1) return;
    const across = Math.min(most, width);
    const down = Math.max(1, Math.min(tallest, Math.round((across * height) / width)));
    const colors = means(c.getImageData(left, top, width, height).data, width, height, across, down);
    const level = (mean) => Math.min(255, Math.floor(Math.round(mean) / step) * step + (step >> 1));
    const edge = (i, n, k) => Math.ceil((i * n) / k);
    for (let row = 0; row < down; row++)
      for (let k = 0; k < across; k++) {
        const at = (row * (across + 1) + k) * 3;
        c.fillStyle = `rgb(${[0, 1, 2].map((i) => level(colors[at + i])).join()})`;
        const [x0, y0] = [edge(k, width, across), edge(row, height, down)];
        const [x1, y1] = [edge(k + 1, width, across), edge(row + 1, height, down)];
        c.fillRect(left + x0, top + y0, x1 - x0, y1 - y0);
      }
  };

  /* A copy of the frame in which what the boxes hold can't be known again. */
  app.withoutFaces = (source, boxes) => {
    covered.width = source.width;
    covered.height = source.height;
    const c = covered.getContext("2d", { alpha: false, willReadFrequently: true });
    c.drawImage(source, 0, 0);
    for (const box of boxes) hideFace(c, box);
    return covered;
  };

  const corners = (c, x, y, w, h, color, unit) => {
    const arm = Math.min(w, h) * 0.22;
    c.lineWidth = Math.max(2, unit * 0.22);
    c.strokeStyle = color;
    c.lineCap = "round";
    c.beginPath();
    for (const [cx, cy, sx, sy] of [
      [x, y, 1, 1],
      [x + w, y, -1, 1],
      [x, y + h, 1, -1],
      [x + w, y + h, -1, -1],
    ]) {
      c.moveTo(cx + sx * arm, cy);
      c.lineTo(cx, cy);
      c.lineTo(cx, cy + sy * arm);
    }
    c.stroke();
  };

  /* A line of text about a box, where there is room for it; nothing where there is none. */
  const pill = (c, places, text, box, unit, fill, color, where = {}) => {
    c.font = `600 ${unit}px ${FONT}`;
    const rect = places.put(box, c.measureText(text).width + unit * 1.1, unit * 1.7, { gap: unit * 0.3, ...where });
    if (!rect) return;
    const { left, top, width, height } = rect;
    rounded(c, left, top, width, height, height / 2.6);
    c.fillStyle = fill;
    c.fill();
    c.fillStyle = color;
    c.textBaseline = "middle";
    c.fillText(text, left + unit * 0.55, top + height / 2 + unit * 0.05);
  };

  const BESIDE = ["right", "left", "right-low", "left-low"];
  const bars = (c, places, face, labels, box, unit) => {
    const size = unit * 0.78;
    const row = size * 1.35;
    const width = size * 9.5;
    const height = row * labels.length + size * 0.7;
    const rect = places.put(box, width, height, { gap: size * 0.6, slots: BESIDE, key: `bars ${face.id}` });
    if (!rect) return;
    const { left, top } = rect;
    rounded(c, left, top, width, height, size * 0.5);
    c.fillStyle = "rgba(15, 17, 24, 0.62)";
    c.fill();
    c.font = `500 ${size * 0.86}px ${FONT}`;
    c.textBaseline = "middle";
    labels.forEach((label, i) => {
      const middle = top + size * 0.35 + row * (i + 0.5);
      c.fillStyle = "rgba(255, 255, 255, 0.92)";
      c.fillText(app.label(label), left + size * 0.5, middle, size * 4.3);
      c.fillStyle = "rgba(255, 255, 255, 0.16)";
      c.fillRect(left + size * 5, middle - size * 0.28, size * 4, size * 0.56);
      c.fillStyle = app.color(label);
      c.fillRect(left + size * 5, middle - size * 0.28, size * 4 * face.p[i], size * 0.56);
    });
  };

  /* frame: the one that was analysed; scale: canvas pixels for each pixel of it. Gives the rectangles of all
   * that was written; no two of them meet. */
  app.drawFrame = (canvas, frame, result, options) => {
    const source = options.hide ? app.withoutFaces(frame, result.hidden) : frame;
    const c = canvas.getContext("2d", { alpha: false });
    const W = canvas.width;
    const scale = W / source.width;
    const unit = options.unit || W / 50; // height of the letters, in canvas pixels
    if (options.mirror) {
      c.setTransform(-1, 0, 0, 1, W, 0);
      c.drawImage(source, 0, 0, W, canvas.height);
      c.setTransform(1, 0, 0, 1, 0, 0);
    } else c.drawImage(source, 0, 0, W, canvas.height);

    const place = ([x, y, w, h]) => [(options.mirror ? source.width - x - w : x) * scale, y * scale, w * scale, h * scale];

    for (const thing of result.objects || []) {
      const [x, y, w, h] = place(thing.box);
      c.setLineDash([6, 5]);
      c.lineWidth = 1.5;
      c.strokeStyle = "rgba(255, 255, 255, 0.85)";
      c.strokeRect(x, y, w, h);
      c.setLineDash([]);
    }

    /* The largest come first: they are the ones that a viewer looks at. */
    const faces = result.faces
      .map((face) => ({ face, box: place(face.box), color: app.color(face.u ? null : result.labels[face.e]) }))
      .sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
    for (const { face, box, color } of faces) {
      if (options.landmarks && face.lm && !options.hide) {
        c.fillStyle = "rgba(255, 255, 255, 0.85)";
        for (let i = 0; i < face.lm.length; i += 2) {
          const px = (options.mirror ? source.width - face.lm[i] : face.lm[i]) * scale;
          c.fillRect(px - 1, face.lm[i + 1] * scale - 1, 2.2, 2.2);
        }
      }
      if (options.box) corners(c, ...box, color, unit);
    }

    const memory = (canvas.slots ||= new Map());
    const places = new app.Places(W, canvas.height, faces.map(({ box }) => box), memory, options.reserved);
    if (memory.size > 200) memory.clear(); // of faces that are long gone
    const sizeAt = (box) => (box[2] < unit * 4 ? unit * 0.8 : unit); // small beside a small face
    if (options.name)
      for (const { face, box, color } of faces) {
        const name = face.u ? app.t("live.uncertain") : app.label(result.labels[face.e]);
        const text = `${face.id} · ${name} ${Math.round(face.c * 100)} %`;
        pill(c, places, text, box, sizeAt(box), color, ink(color), { key: `name ${face.id}` });
      }
    if (options.va)
      for (const { face, box } of faces) {
        const text = `V ${face.v >= 0 ? "+" : "−"}${Math.abs(face.v).toFixed(2)}  A ${face.a.toFixed(2)}`;
        const slots = ["below", "below-end", "right-low", "left-low", "above", "right", "left", "inside-low"];
        pill(c, places, text, box, sizeAt(box) * 0.82, "rgba(15,17,24,.66)", "#fff", { slots, key: `va ${face.id}` });
      }
    if (options.bars) for (const { face, box } of faces) bars(c, places, face, result.labels, box, unit);
    for (const thing of result.objects || []) {
      const text = `${thing.label} ${Math.round(thing.score * 100)} %`;
      const slots = ["inside", "inside-low", "above", "below"];
      pill(c, places, text, place(thing.box), unit * 0.8, "rgba(15,17,24,.7)", "#fff", { slots });
    }
    return places.taken;
  };
})();
