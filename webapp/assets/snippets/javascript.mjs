// JavaScript: Node 20 or newer, or a page of this server
import { openAsBlob } from "node:fs";

const { EMOTION_URL: url = "http://127.0.0.1:7860", EMOTION_TOKEN: token = "none" } = process.env;
const video = process.env.VIDEO ?? "talk.mp4";
const headers = { Authorization: `Bearer ${token}` };

const form = new FormData();
form.set("file", await openAsBlob(video), video.split("/").pop());
let job = await (await fetch(`${url}/api/v1/analyses`, { method: "POST", headers, body: form })).json();
while (["queued", "running"].includes(job.state)) {
  await new Promise((done) => setTimeout(done, 500));
  job = await (await fetch(url + job.links.self, { headers })).json();
}
const records = await (await fetch(url + job.links.results, { headers })).json();
console.log(job.state, records.length, "records");
await fetch(url + job.links.self, { method: "DELETE", headers });
