// Times vladmandic's `human` in WebAssembly on raw RGB frames from standard input: milliseconds a frame, as JSON.
// node human.mjs WIDTH HEIGHT THREADS CACHE, in a folder with its packages; CACHE 0 looks at every frame.
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';

const [width, height, threads, cache] = process.argv.slice(2).map(Number);
const require = createRequire(path.join(process.cwd(), 'package.json'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const folder = path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
wasm.setWasmPaths(path.join(folder, 'dist') + path.sep);
wasm.setThreadsCount(threads);
const home = path.join(process.cwd(), 'node_modules', '@vladmandic', 'human');
const { Human } = require(path.join(home, 'dist', 'human.node-wasm.js'));
// The models are fetched, and Node fetches no files: they are served to this very process.
const server = createServer(async (request, response) => {
  response.end(await readFile(path.join(home, 'models', path.basename(request.url))));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const human = new Human({
  backend: 'wasm', modelBasePath: `http://127.0.0.1:${server.address().port}/`, wasmPath: path.join(folder, 'dist') + path.sep,
  cacheSensitivity: cache, debug: false, filter: { enabled: false }, gesture: { enabled: false },
  body: { enabled: false }, hand: { enabled: false }, object: { enabled: false }, segmentation: { enabled: false },
  face: { enabled: true, detector: { maxDetected: 1 }, mesh: { enabled: true }, iris: { enabled: false },
    emotion: { enabled: true }, description: { enabled: false } },
});
await human.load();
const size = width * height * 3;
let held = Buffer.alloc(0), times = [], faces = 0;
for await (const chunk of process.stdin) {
  held = Buffer.concat([held, chunk]);
  while (held.length >= size) {
    const frame = held.subarray(0, size); held = held.subarray(size);
    const tensor = tf.tensor4d(new Uint8Array(frame), [1, height, width, 3], 'int32');
    const before = performance.now();
    const found = await human.detect(tensor);
    times.push(performance.now() - before);
    faces += found.face.length > 0;
    tensor.dispose();
  }
}
server.close();
server.closeAllConnections();
console.log(JSON.stringify({ times, faces, backend: tf.getBackend() }));
