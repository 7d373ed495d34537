/* The webcam as a source of the Video tab: a recording is put into the box as a file, as if it had been chosen.
 * Nothing is sent before that. It has no sound: the page may not use a microphone. */
(() => {
  "use strict";
  const app = window.EMOTION;
  const KINDS = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
  let running = null;

  const parts = (root) => {
    const find = (name) => root.querySelector(`[data-film-${name}]`);
    return { start: find("start"), stage: find("stage"), view: find("view"), time: find("time"), problem: find("problem") };
  };
  const complain = (root, key) => {
    const { problem } = parts(root);
    problem.textContent = key ? app.t(key) : "";
    problem.hidden = !key;
  };
  const named = (type) => {
    const two = (n) => String(n).padStart(2, "0");
    const now = new Date();
    const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
    const hour = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join("-");
    return `camera_${day}_${hour}.${type.startsWith("video/mp4") ? "mp4" : "webm"}`;
  };

  const put = (root, file) => {
    const input = document.querySelector("#video-files input[type=file]");
    if (!input) return complain(root, "clip.camera.full");
    app.give(input, file);
  };

  const end = (root) => {
    const { start, stage, view } = parts(root);
    running?.stream.getTracks().forEach((track) => track.stop());
    clearInterval(running?.clock);
    running = null;
    view.srcObject = null;
    stage.hidden = true;
    start.hidden = false;
  };

  const begin = async (root) => {
    complain(root, "");
    if (!document.querySelector("#video-files input[type=file]")) return complain(root, "clip.camera.full");
    const { start, stage, view, time } = parts(root);
    const type = window.MediaRecorder && KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    let stream;
    try {
      if (!type) throw new Error("no MediaRecorder");
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } } });
    } catch (problem) {
      console.info("camera:", problem);
      return complain(root, "clip.camera.denied");
    }
    const recorder = new MediaRecorder(stream, { mimeType: type });
    const pieces = [];
    recorder.addEventListener("dataavailable", (event) => event.data.size && pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      const wanted = running?.wanted;
      end(root);
      if (wanted && pieces.length) put(root, new File(pieces, named(type), { type: type.split(";")[0] }));
    });
    const began = performance.now();
    const clock = setInterval(() => {
      const seconds = (performance.now() - began) / 1000;
      time.textContent = app.clock(seconds);
      if (seconds >= app.minutes * 60 - 1) stop(true);
    }, 250);
    running = { stream, recorder, clock, wanted: false };
    time.textContent = app.clock(0);
    view.srcObject = stream;
    start.hidden = true;
    stage.hidden = false;
    recorder.start(1000);
    stage.querySelector("[data-film-use]").focus();
  };

  const stop = (wanted) => {
    if (!running || running.recorder.state === "inactive") return;
    running.wanted = wanted;
    running.recorder.stop();
  };

  document.addEventListener("click", (event) => {
    const root = event.target.closest?.("[data-film]");
    if (!root) return;
    if (event.target.closest("[data-film-start]")) begin(root);
    if (event.target.closest("[data-film-use]")) stop(true);
    if (event.target.closest("[data-film-discard]")) stop(false);
  });
  window.addEventListener("pagehide", () => stop(false));
})();
