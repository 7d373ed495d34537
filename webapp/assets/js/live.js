/* The live view. Each picture goes to the server over one WebSocket and its faces come back as numbers; the
 * picture is then shown with them, so that a mark never sits on another frame than its own. At most two
 * pictures are on their way: while they are, newer ones replace each other and nothing ever queues. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const ON_THE_WAY = 2;
  const WIDEST = 640; // pixels of the picture that is sent
  const QUALITY = 0.8;
  const RECORDED = "recorded"; // the choice of a recorded face in place of a camera
  const PATIENCE = 15; // seconds that a recording may take to be saved when the view is stopped

  class Live {
    constructor(root) {
      this.root = root;
      this.agreed = false; // whether consent was given since the start panel was last shown
      this.find = (name) => root.querySelector(`[data-${name}]`);
      this.canvas = this.find("canvas");
      this.panels = new app.Panels(root);
      this.camera = new app.Camera(() => this.pump(), (key) => this.stop(key));
      this.stage = new app.Stage(root, () => this.fit(), (key) => (this.find("notice").textContent = app.t(key)));
      this.pool = [];
      this.flying = new Map();
      this.seen = new Map(); // faces by their ids: where and when they were seen last
      this.turn = 0; // counts starts, so that late answers of an earlier one are ignored
      this.options = {};
      this.stats = { displayed: 0, sent: 0, latencies: [], times: [] };
      this.wire();
      this.readOptions();
      app.translate(root);
      this.show("consent");
      this.listDevices().catch((problem) => console.info("cameras:", problem));
    }

    wire() {
      this.find("start").addEventListener("click", () => {
        this.agreed = true;
        if (this.isRecorded) this.find("device").value = this.camera1;
        this.start();
      });
      this.find("try").addEventListener("click", () => {
        this.find("device").value = RECORDED;
        this.start();
      });
      navigator.mediaDevices?.addEventListener?.("devicechange", () => this.listDevices(this.find("device").value));
      this.find("again").addEventListener("click", () => this.start());
      this.find("stop").addEventListener("click", () => this.stop());
      this.find("record").addEventListener("click", () => this.record());
      this.find("calibrate").addEventListener("click", () => {
        this.tell(this.calibrated ? { type: "forget" } : { type: "calibrate", face: this.face?.id ?? null });
      });
      this.find("device").addEventListener("change", () => this.choose());
      this.root.querySelectorAll("[data-option]").forEach((input) => {
        input.addEventListener("input", () => this.readOptions());
      });
      this.find("agree")?.addEventListener("click", () => this.tell({ type: "fetch-objects", agreed: true }));
      this.find("not-now")?.addEventListener("click", () => (this.find("ask").hidden = true));
      this.canvas.addEventListener("click", (event) => this.pick(event));
      window.addEventListener("pagehide", () => this.stop());
      window.addEventListener("resize", () => this.root.dataset.view === "running" && this.fit());
    }

    readOptions() {
      this.root.querySelectorAll("[data-option]").forEach((input) => {
        const value = input.type === "checkbox" ? input.checked : Number(input.value);
        this.options[input.dataset.option] = value;
        const said = input.closest("label").querySelector("output");
        if (said) said.textContent = input.dataset.option === "threshold" ? value + " %" : value;
      });
      this.configure();
      if (this.last) app.drawFrame(this.canvas, this.last.canvas, this.last.result, this.options);
    }

    configure() {
      const { smoothing, threshold, objects, landmarks } = this.options;
      this.tell({ type: "config", smoothing, threshold: threshold / 100, objects: !!objects, landmarks: !!landmarks });
    }

    tell(message) {
      if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    get isRecorded() {
      return this.find("device").value === RECORDED;
    }

    /* A camera chosen in place of the recorded face needs consent first, like any. */
    choose() {
      if (!this.isRecorded) app.remember("camera", this.find("device").value);
      if (this.root.dataset.view === "consent") return;
      if (this.isRecorded || this.agreed) this.start();
      else this.stop();
    }

    /* view: "consent", "starting", "running" or "message" */
    show(view, key) {
      this.root.dataset.view = view;
      if (view === "consent") this.agreed = false;
      for (const name of ["stop", "record", "calibrate"]) this.find(name).disabled = view !== "running";
      if (key) this.find("message").textContent = app.t(key);
      const running = this.isRecorded ? "live.running.recorded" : "live.running";
      this.find("status").textContent = view === "running" ? app.t(running) : key ? app.t(key) : "";
      if (view !== "running") this.panels.reset();
    }

    /* Asks the server for the permission to start, which it gives with the consent only. */
    async ticket() {
      const answer = await fetch("live/ticket", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        /* Nobody has to agree to a photograph in the public domain but who asked for it. */
        body: JSON.stringify({ consent: this.agreed || this.isRecorded }),
      });
      if (!answer.ok) throw "live.error.ticket";
      return (await answer.json()).ticket;
    }

    async start() {
      const agreed = this.agreed;
      await this.stop();
      this.agreed = agreed;
      const turn = ++this.turn;
      this.show("starting");
      try {
        if (this.isRecorded) await this.camera.openRecorded("examples/zoom.mp4");
        else {
          const settings = await this.camera.open(this.find("device").value);
          if (turn !== this.turn) return;
          await this.listDevices(settings.deviceId);
        }
        if (turn !== this.turn) return;
        const ticket = await this.ticket();
        if (turn !== this.turn) return;
        await this.connect(ticket, turn);
      } catch (problem) {
        if (turn !== this.turn) return;
        console.info("live view:", problem);
        this.stop(typeof problem === "string" ? problem : "live.error.server");
      }
    }

    async listDevices(current) {
      const select = this.find("device");
      const devices = await this.camera.list();
      const wanted = current ?? app.recall("camera");
      const words = (device, i) => device.label || `${app.t("live.device")} ${i + 1}`;
      /* Before the first start a browser tells neither names nor, often, how many there are. */
      const known = devices.length ? devices : [{ deviceId: "" }];
      select.replaceChildren(...known.map((device, i) => new Option(words(device, i), device.deviceId)));
      select.append(new Option(app.t("live.recorded"), RECORDED));
      this.camera1 = known.some(({ deviceId }) => deviceId === app.recall("camera")) ? app.recall("camera") : known[0].deviceId;
      select.value = [...select.options].some(({ value }) => value === wanted) ? wanted : this.camera1;
    }

    connect(ticket, turn) {
      return new Promise((resolve, reject) => {
        const url = new URL("live", document.baseURI);
        url.protocol = url.protocol.replace("http", "ws");
        url.searchParams.set("ticket", ticket);
        url.searchParams.set("language", app.language);
        const socket = new WebSocket(url);
        socket.binaryType = "arraybuffer";
        this.socket = socket;
        socket.onmessage = (event) => turn === this.turn && this.hear(JSON.parse(event.data), resolve, reject);
        socket.onclose = () => {
          if (turn !== this.turn) return;
          reject("live.error.server");
          if (this.root.dataset.view === "running") this.stop("live.error.lost");
        };
      });
    }

    hear(message, resolve, reject) {
      if (message.type === "faces") return this.display(message);
      if (message.type === "ready") {
        this.labels = message.labels;
        Object.assign(app.colors, message.colors);
        app.hiding = message.hiding;
        this.panels.setLabels(message.labels);
        this.configure();
        this.show("running");
        this.fit();
        this.pump();
        resolve();
      } else if (message.type === "refused") {
        reject("live.error." + message.reason);
        this.stop("live.error." + message.reason);
      } else if (message.type === "notice") {
        this.find("notice").textContent = app.t("live.notice." + message.key);
        if (message.key === "noobjects") this.find("option='objects'").checked = false;
      } else if (message.type === "objects") this.showObjects(message);
      else if (message.type === "baseline") this.showBaseline(message);
      else if (message.type === "recording") this.showRecording(message);
    }

    size() {
      const { videoWidth: w, videoHeight: h } = this.camera.video;
      const scale = Math.min(1, WIDEST / Math.max(w, h, 1));
      return { width: Math.max(2, Math.round(w * scale)), height: Math.max(2, Math.round(h * scale)) };
    }

    /* Marks are drawn at the size at which they are seen, so that words stay sharp and readable. */
    fit() {
      const { width, height } = this.size();
      this.canvas.style.aspectRatio = `${width} / ${height}`;
      this.stage.box.style.setProperty("--ratio", width / height);
      const seen = this.canvas.clientWidth || width;
      const wide = Math.max(width, Math.min(this.stage.widest, Math.round(seen * Math.min(2, window.devicePixelRatio || 1))));
      const high = Math.round((wide * height) / width);
      this.options.unit = (Math.max(12, Math.min(20, seen / 46)) * wide) / seen;
      this.options.reserved = this.stage.reserved(wide / seen);
      if (this.canvas.width === wide && this.canvas.height === high) return;
      Object.assign(this.canvas, { width: wide, height: high }); // which clears it
      if (this.last) app.drawFrame(this.canvas, this.last.canvas, this.last.result, this.options);
    }

    /* Called when the camera has a new picture and when an answer frees a place. */
    pump() {
      if (this.root.dataset.view !== "running" || this.flying.size >= ON_THE_WAY) return;
      const at = this.camera.capturedAt;
      if (at === this.sentAt || !this.camera.video.videoWidth) return;
      this.sentAt = at;
      const { width, height } = this.size();
      const canvas = this.pool.pop() || document.createElement("canvas");
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(this.camera.video, 0, 0, width, height);
      const seq = (this.seq = ((this.seq || 0) + 1) >>> 0);
      const turn = this.turn;
      this.flying.set(seq, { canvas, at });
      canvas.toBlob(
        async (blob) => {
          const bytes = blob && (await blob.arrayBuffer());
          if (turn !== this.turn || !bytes || this.socket?.readyState !== WebSocket.OPEN) return;
          const packet = new Uint8Array(4 + bytes.byteLength);
          new DataView(packet.buffer).setUint32(0, seq);
          packet.set(new Uint8Array(bytes), 4);
          this.socket.send(packet);
          this.stats.sent += 1;
        },
        "image/jpeg",
        QUALITY,
      );
    }

    display(result) {
      const flight = this.flying.get(result.seq);
      for (const [seq, old] of this.flying) {
        if (seq > result.seq) continue;
        this.flying.delete(seq);
        if (old !== flight) this.pool.push(old.canvas);
      }
      if (flight) {
        result.labels = this.labels;
        result.hidden = this.toHide(result.faces, flight.at);
        this.written = app.drawFrame(this.canvas, flight.canvas, result, this.options);
        if (this.last) this.pool.push(this.last.canvas);
        this.last = { canvas: flight.canvas, result };
        const now = performance.now();
        this.panels.update(result, now / 1000);
        this.face = this.panels.choose(result.faces);
        this.stats.work = result.ms;
        this.count(now, now - flight.at);
      }
      this.pump();
    }

    /* The boxes to hide, whether they are hidden now or not: those of the faces in a picture that was taken at
     * that time (ms), and the last place of a face that was lost a moment ago and can still be seen. */
    toHide(faces, at) {
      const now = new Set(faces.map((face) => face.id));
      for (const [id, { at: then }] of this.seen)
        if (now.has(id) || at - then > app.hiding.held * 1000) this.seen.delete(id);
      const lost = [...this.seen.values()];
      for (const { id, box } of faces) this.seen.set(id, { box, at });
      return [...faces, ...lost].map(({ box }) => box);
    }

    count(now, latency) {
      const { times, latencies } = this.stats;
      this.stats.displayed += 1;
      times.push(now);
      latencies.push(latency);
      while (times[0] < now - 2000) {
        times.shift();
        latencies.shift();
      }
      if (now - (this.said || 0) < 500) return;
      this.said = now;
      const middle = [...latencies].sort((a, b) => a - b)[latencies.length >> 1];
      const rate = times.length > 1 ? ((times.length - 1) * 1000) / (now - times[0]) : 0;
      this.find("fps").textContent = app.number(rate);
      this.find("latency").textContent = app.number(middle);
      if (this.recordingSince) this.find("clock").textContent = app.clock((now - this.recordingSince) / 1000);
    }

    pick(event) {
      if (!this.last) return;
      const box = this.canvas.getBoundingClientRect();
      const scale = this.last.canvas.width / box.width;
      let x = (event.clientX - box.left) * scale;
      if (this.options.mirror) x = this.last.canvas.width - x;
      const y = (event.clientY - box.top) * scale;
      const hit = this.last.result.faces.find(
        ({ box: [left, top, w, h] }) => x >= left && x <= left + w && y >= top && y <= top + h,
      );
      if (hit) this.panels.chosen = hit.id;
    }

    /* Their model is downloaded for a viewer who has read its size and licence here, and agreed. */
    showObjects({ state, facts }) {
      const asking = state === "ask" || state === "fetching";
      const ask = this.find("ask");
      ask.hidden = !asking;
      ask.querySelectorAll("button").forEach((button) => (button.disabled = state === "fetching"));
      this.find("ask-text").textContent = asking ? app.t("objects." + state, facts) : "";
      this.find("notice").textContent = asking ? "" : app.t("objects." + state, facts);
      this.find("option='objects'").checked = state === "ready";
      this.readOptions();
    }

    showBaseline({ state, face }) {
      const button = this.find("calibrate");
      this.calibrated = state === "done";
      button.textContent = app.t(this.calibrated ? "live.forget" : "live.calibrate");
      this.find("notice").textContent = state === "none" ? "" : app.t("live.baseline." + state, { id: face });
      this.root.dataset.baseline = state;
    }

    record() {
      const on = !this.recordingSince;
      if (!on) this.showSaving();
      this.tell({ type: "record", on });
    }

    /* The pictures go on while the server writes the files. */
    showSaving() {
      const button = this.find("record");
      button.disabled = true;
      button.querySelector("span").textContent = app.t("live.record.saving");
    }

    showRecording({ state, files, gone, dashboard }) {
      const button = this.find("record");
      const running = state === "started";
      button.disabled = this.root.dataset.view !== "running";
      this.recordingSince = running ? performance.now() : 0;
      button.setAttribute("aria-pressed", String(running));
      button.querySelector("span").textContent = app.t(running ? "live.record.stop" : "live.record");
      this.find("clock").textContent = running ? "0:00" : "";
      const place = this.find("saved");
      place.textContent = "";
      if (state === "started") return;
      const note = document.createElement("span");
      const lost = gone ? ` (${app.t("limit.results", { n: gone })})` : "";
      note.textContent = app.t("live.record." + state) + lost;
      place.append(note);
      if (dashboard) {
        const link = document.createElement("a");
        Object.assign(link, { href: new URL(dashboard, document.baseURI), target: "_blank", rel: "noopener" });
        link.className = "download strong";
        link.textContent = app.t("video.dashboard");
        place.append(link);
      }
      for (const { name, url, kind, label } of files || []) {
        const link = document.createElement("a");
        link.href = new URL(url, document.baseURI);
        link.download = name;
        link.className = "download";
        link.textContent = label || app.t("file." + kind);
        place.append(link);
      }
      this.finish?.();
    }

    /* A recording is finished first; then the camera and the socket go at once. */
    async stop(key) {
      if (this.recordingSince && this.socket?.readyState === WebSocket.OPEN) {
        const saved = new Promise((done) => (this.finish = done));
        this.showSaving();
        this.tell({ type: "record", on: false });
        this.camera.close();
        await Promise.race([saved, new Promise((done) => setTimeout(done, PATIENCE * 1000))]);
      }
      this.turn += 1;
      this.camera.close();
      this.socket?.close();
      this.socket = null;
      this.finish = null;
      this.flying.clear();
      this.pool.length = 0;
      this.last = null;
      this.seen.clear();
      this.face = null;
      this.recordingSince = 0;
      this.stats = { displayed: 0, sent: 0, latencies: [], times: [] };
      this.stage.leave();
      if (this.find("ask")) this.find("ask").hidden = true;
      this.showBaseline({ state: "none" });
      const c = this.canvas.getContext("2d", { alpha: false });
      c.fillRect(0, 0, this.canvas.width, this.canvas.height);
      for (const name of ["fps", "latency"]) this.find(name).textContent = "–";
      const button = this.find("record");
      button.setAttribute("aria-pressed", "false");
      button.querySelector("span").textContent = app.t("live.record");
      this.find("clock").textContent = "";
      this.show(key ? "message" : "consent", key);
    }
  }

  app.startLive = (root) => (root.live ||= new Live(root));
})();
