// Reading the QR code with the camera, or from a photo. Loaded when somebody wants to scan.

import { say } from "/design/page.js";
import { at, once, tell } from "./screens.js";

const EVERY_MS = 120;
/** Longest side of what is looked at: a code that fills a third of it still has several pixels a module. */
const VIDEO_SIDE = 800;
/** A photo is looked at in several sizes: noise goes when it is made smaller, and small codes need it large. */
const PHOTO_SIDES = [1600, 1000, 600, 2400];

let found = () => "";
let stream = null;
let timer = null;
let reader = null;
/** Whether a photo was chosen meanwhile: then its outcome is what counts, not that of the camera. */
let photoChosen = false;

/** Look until `onText` is content with a text (it gives the words to show where it is not). */
export async function start(onText) {
  found = onText;
  photoChosen = false;
  tell(at("scan-status"));
  at("viewer").hidden = false;
  reader ??= await makeReader();
  if (!navigator.mediaDevices?.getUserMedia) return noCamera(say("camera_none"));
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (problem) {
    return noCamera(say(problem.name === "NotAllowedError" ? "camera_denied" : "camera_none"));
  }
  // The person may have gone back while the browser was asking.
  if (document.body.dataset.at !== "scan") return stop();
  at("video").srcObject = stream;
  await at("video").play().catch(() => undefined);
  offerLight();
  look();
}

/** Let the camera go. */
export function stop() {
  clearTimeout(timer);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  at("video").srcObject = null;
  at("torch").hidden = true;
}

function noCamera(words) {
  stop();
  at("viewer").hidden = true;
  if (!photoChosen) tell(at("scan-status"), words);
}

function look() {
  timer = setTimeout(async () => {
    if (stream === null) return;
    const video = at("video");
    if (video.readyState >= video.HAVE_CURRENT_DATA) {
      const text = await reader(video, video.videoWidth, video.videoHeight, VIDEO_SIDE);
      if (stream === null) return;
      if (text !== null && take(text)) return;
    }
    look();
  }, EVERY_MS);
}

/** Hand over what was read. True where that was the one. */
function take(text) {
  const words = found(text);
  tell(at("scan-status"), words);
  return words === "";
}

async function fromPhoto(file) {
  photoChosen = true;
  tell(at("scan-status"), say("photo_reading"));
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return tell(at("scan-status"), say("photo_unreadable"));
  }
  reader ??= await makeReader();
  for (const side of PHOTO_SIDES) {
    const text = await reader(picture, picture.width, picture.height, side);
    if (text !== null) return void take(text);
  }
  return tell(at("scan-status"), say("photo_without_code"));
}

/** The phone's own reader where it has one (`BarcodeDetector`), else the one that comes with the app. */
async function makeReader() {
  const formats = await globalThis.BarcodeDetector?.getSupportedFormats().catch(() => []);
  if (formats?.includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (picture) => (await detector.detect(picture).catch(() => []))[0]?.rawValue ?? null;
  }
  const { default: decode } = await import("./vendor/qr-decode.min.js");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async (picture, width, height, side) => {
    const scale = Math.min(1, side / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try {
      return decode(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      return null; // nothing in this picture
    }
  };
}

function offerLight() {
  const [track] = stream.getVideoTracks();
  at("torch").hidden = !track.getCapabilities?.().torch;
}

once(at("torch"), "click", async () => {
  const on = at("torch").getAttribute("aria-pressed") !== "true";
  await stream?.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: on }] }).catch(() => undefined);
  at("torch").setAttribute("aria-pressed", String(on));
});
at("photo").addEventListener("change", async () => {
  const [file] = at("photo").files;
  if (file) await fromPhoto(file);
  at("photo").value = "";
});
// The camera is not held while nobody looks.
document.addEventListener("visibilitychange", () => {
  if (document.body.dataset.at !== "scan") return;
  if (document.hidden) stop();
  else start(found);
});
