/* Where what is written about a face goes: beside it, over no other label, over another face only where there
 * is no room. The browser's side of emotion_core/overlay/placement.py. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const SLOTS = ["above", "above-end", "below", "below-end", "right", "left", "right-low", "left-low", "inside", "inside-low"];
  const EDGE = 2; // pixels that stay free at the frame's edge

  const shared = (a, b) => {
    const wide = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
    const high = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
    return wide > 0 && high > 0 ? wide * high : 0;
  };

  class Places {
    /* The frame's size, and the boxes of all faces in it, [x, y, width, height], in its pixels; `memory` keeps
     * the slots from frame to frame, `reserved` are rectangles that stay free. */
    constructor(width, height, faces, memory, reserved = []) {
      Object.assign(this, { width, height, memory, reserved });
      this.faces = faces.map(([left, top, w, h]) => ({ left, top, width: w, height: h }));
      this.taken = [];
    }

    at(slot, box, width, height, gap) {
      const [side, end] = slot.split("-");
      const rect = { width, height };
      if (side === "above" || side === "below" || side === "inside") {
        rect.left = end === "end" ? box.left + box.width - width : box.left;
        rect.left = Math.max(EDGE, Math.min(rect.left, this.width - width - EDGE));
        if (side === "above") rect.top = box.top - height - gap;
        else if (side === "below") rect.top = box.top + box.height + gap;
        else rect.top = end ? box.top + box.height - height - gap : box.top + gap;
      } else {
        rect.left = side === "right" ? box.left + box.width + gap : box.left - width - gap;
        rect.top = end ? box.top + box.height - height : box.top;
        rect.top = Math.max(EDGE, Math.min(rect.top, this.height - height - EDGE));
      }
      return rect;
    }

    fits({ left, top, width, height }) {
      return left >= EDGE && top >= EDGE && left + width <= this.width - EDGE && top + height <= this.height - EDGE;
    }

    isFree(rect) {
      return this.fits(rect) && [...this.taken, ...this.reserved].every((other) => !shared(rect, other));
    }

    /* How much of the faces it covers, in square pixels; that of the others counts three times. */
    cost(rect, own) {
      return this.faces.reduce((sum, face) => sum + shared(rect, face) * (face === own ? 1 : 3), 0);
    }

    /* Gives a free rectangle for something of this size about a box, and takes it; null where none is free.
     * With a key, the slot of the frame before is kept while it is nearly as good, so that nothing flickers. */
    put([x, y, w, h], width, height, { gap = 3, slots = SLOTS, key = null } = {}) {
      const box = { left: x, top: y, width: w, height: h };
      const own = this.faces.find((face) => face.left === x && face.top === y && face.width === w);
      const last = key && this.memory?.get(key);
      let best = null;
      for (const [order, slot] of slots.entries()) {
        const rect = this.at(slot, box, width, height, gap);
        if (!this.isFree(rect)) continue;
        const less = slot === last ? 0.25 * width * height : 0;
        const cost = this.cost(rect, own) - less + order * 1e-3;
        if (!best || cost < best.cost) best = { cost, slot, rect };
      }
      const rect = best?.rect || (slots === SLOTS ? this.nearest(box, width, height) : null);
      if (!rect) return null;
      if (key) this.memory?.set(key, best?.slot);
      this.taken.push(rect);
      return rect;
    }

    /* The free place next to a box in rows over the whole frame. */
    nearest(box, width, height) {
      let best = null;
      for (let top = EDGE; top + height <= this.height - EDGE; top += Math.max(2, height / 2))
        for (let left = EDGE; left + width <= this.width - EDGE; left += Math.max(4, width / 4)) {
          const rect = { left, top, width, height };
          if (!this.isFree(rect)) continue;
          const dx = left + width / 2 - box.left - box.width / 2;
          const dy = top + height / 2 - box.top - box.height / 2;
          const far = dx * dx + dy * dy + this.cost(rect);
          if (!best || far < best.far) best = { far, rect };
        }
      return best && best.rect;
    }
  }
  app.Places = Places;
})();
