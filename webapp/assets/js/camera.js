/* The camera: opens it, keeps its newest picture, and says in words what went wrong. */
(() => {
  "use strict";
  const app = window.EMOTION;

  /* What a person can do about each way a camera can fail. */
  const reason = (error) => {
    const key = {
      NotAllowedError: "denied",
      SecurityError: "denied",
      NotFoundError: "missing",
      OverconstrainedError: "missing",
      NotReadableError: "busy",
      AbortError: "busy",
    }[error?.name];
    return "live.error." + (key || "camera");
  };

  class Camera {
    constructor(onFrame, onLost) {
      this.onFrame = onFrame;
      this.onLost = onLost;
      this.video = document.createElement("video");
      this.video.muted = true;
      this.video.playsInline = true;
      this.video.loop = true; // of a recorded face; a camera's stream has no end
      this.capturedAt = 0;
    }

    /* Plays a recorded face in place of a camera; rejects as `open` does. */
    async openRecorded(url) {
      this.video.src = url;
      try {
        await this.video.play();
      } catch (error) {
        this.close();
        console.info("recorded face:", error);
        throw "live.error.recorded";
      }
      this.stream = { getTracks: () => [] };
      this.waitFrame();
    }

    /* Resolves when pictures come; rejects with the key of a message. */
    async open(deviceId) {
      if (!navigator.mediaDevices?.getUserMedia) throw "live.error.insecure";
      const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
      if (deviceId) video.deviceId = { exact: deviceId };
      try {
        this.stream = await this.ask(video);
        this.video.srcObject = this.stream;
        await this.video.play();
      } catch (error) {
        this.close();
        throw reason(error);
      }
      const [track] = this.stream.getVideoTracks();
      track.addEventListener("ended", () => this.stream && this.onLost("live.error.pulled"));
      this.waitFrame();
      return track.getSettings();
    }

    /* A camera that was chosen another day may be gone: any other is better than none. */
    async ask(video) {
      try {
        return await navigator.mediaDevices.getUserMedia({ video, audio: false });
      } catch (error) {
        if (error?.name !== "OverconstrainedError" || !video.deviceId) throw error;
        delete video.deviceId;
        return navigator.mediaDevices.getUserMedia({ video, audio: false });
      }
    }

    waitFrame() {
      const stream = this.stream;
      const tick = (now, data) => {
        if (!stream || stream !== this.stream) return;
        /* captureTime is when the sensor's picture reached the browser: the honest start of the latency. */
        this.capturedAt = data?.captureTime ?? now;
        this.onFrame();
        next();
      };
      const next = () =>
        this.video.requestVideoFrameCallback
          ? this.video.requestVideoFrameCallback(tick)
          : setTimeout(() => tick(performance.now()), 33);
      next();
    }

    async list() {
      const devices = (await navigator.mediaDevices?.enumerateDevices?.()) || [];
      return devices.filter((device) => device.kind === "videoinput");
    }

    close() {
      const stream = this.stream;
      this.stream = null;
      stream?.getTracks().forEach((track) => track.stop());
      this.video.srcObject = null;
      if (!this.video.hasAttribute("src")) return;
      this.video.removeAttribute("src");
      this.video.load(); // which lets go of the file
    }
  }
  app.Camera = Camera;
})();
