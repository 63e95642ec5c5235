// From a QR code to a device: the camera where the browser can read codes itself, else a photo that the server reads.
import { ask } from "./send.js";
import { field, h, say } from "./page.js";
import { t } from "./words.js";

const EUI = /^[0-9a-f]{16}$/;
export const clean = (text) => text.replace(/[\s:\-]/g, "").toLowerCase();
export const isEui = (text) => EUI.test(clean(text));

// CRC-16/MODBUS, as TR005 has it.
function crc16(text) {
  let crc = 0xffff;
  for (const letter of text) {
    crc ^= letter.charCodeAt(0);
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

// LW:D0:JoinEUI:DevEUI:ProfileID[:…], or a bare DevEUI; null for anything else.
export function parse(text) {
  const parts = text.trim().split(":");
  if (parts[0] === "LW") {
    if (parts[1] !== "D0" || parts.length < 5 || !isEui(parts[2]) || !isEui(parts[3])) return null;
    const sum = parts.slice(5).find((p) => p.startsWith("C"));
    if (sum && parseInt(sum.slice(1), 16) !== crc16(text.trim().slice(0, text.trim().lastIndexOf(":C")))) return null;
    return { dev_eui: clean(parts[3]), join_eui: clean(parts[2]) };
  }
  return isEui(text) ? { dev_eui: clean(text), join_eui: null } : null;
}

export function scanView(found) {
  return async (onleave) => {
    const camera = await cameraPart(found, onleave);
    const typed = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const label = parse(new FormData(typed).get("dev_eui"));
      label ? found(label) : say(t("devEuiWrong"));
    } },
    field(t("devEui"), "dev_eui", { className: "mono", autocapitalize: "characters", spellcheck: false, inputMode: "text" }),
    h("button", { type: "submit" }, t("goOn")));
    const photo = h("label.button", {}, t("photo"), h("input", { type: "file", accept: "image/*", capture: "environment", name: "photo",
      onchange: (event) => readPhoto(event.target.files[0], found) }));
    return [h("h1", {}, t("scan")), camera, photo, typed];
  };
}

async function cameraPart(found, onleave) {
  if (!("BarcodeDetector" in globalThis) || !navigator.mediaDevices) return null;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const video = h("video", { srcObject: stream, muted: true, playsInline: true, "aria-label": t("pointCamera") });
    const detector = new BarcodeDetector({ formats: ["qr_code", "data_matrix"] });
    let on = true;
    onleave(() => {
      on = false;
      for (const track of stream.getTracks()) track.stop();
    });
    const look = async () => {
      while (on) {
        const codes = await detector.detect(video).catch(() => []);
        const label = codes.map((c) => parse(c.rawValue)).find(Boolean);
        if (label && on) return found(label);
        if (codes.length && on) say(t("badCode"));
        await new Promise((done) => setTimeout(done, 200));
      }
    };
    video.play().then(look);
    return h("div", {}, h("p", {}, t("pointCamera")), video);
  } catch {
    return null; // no camera, or no leave to use it: the photo and the keyboard are still there
  }
}

async function readPhoto(file, found) {
  if (!file) return;
  say();
  try {
    const small = await shrink(file, 1600);
    found(await ask("qr", { method: "POST", body: small }));
  } catch (error) {
    say(error instanceof TypeError ? t("photoNeedsNet") : error.status === 422 ? `${t("noCode")}` : error.message);
  }
}

// A photo as a JPEG no wider or higher than so many pixels.
export async function shrink(file, pixels) {
  const image = await createImageBitmap(file);
  const share = Math.min(1, pixels / Math.max(image.width, image.height));
  const canvas = h("canvas", { width: Math.round(image.width * share), height: Math.round(image.height * share) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
}
