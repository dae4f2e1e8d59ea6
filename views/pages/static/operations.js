// Follows the operators' page. Theory of operation: after every look the server sends the parts of
// the page as they would be on a reload; a part is put in place only where it differs, so that what
// is being read or selected in the others stays.

const panel = document.getElementById("operations-live");
const parts = document.getElementById("operations-parts");
const spoken = document.getElementById("operations-spoken");
const button = panel.querySelector("button");
const shown = panel.querySelector(".live-state");
const SPOKEN_MILLISECONDS = 60_000;
const AGAIN_MILLISECONDS = 5_000;
const AGAIN_LONGEST_MILLISECONDS = 40_000;
const OLD_MILLISECONDS = 10_000;

let stream = null;
let paused = false;
let waiting = null;
let pause = AGAIN_MILLISECONDS;
let verdict = null;
let spokenAt = -SPOKEN_MILLISECONDS;
let heardAt = performance.now();

function put(markup) {
  const made = new DOMParser().parseFromString(markup, "text/html");
  for (const fresh of made.querySelectorAll("[data-part]")) {
    const old = parts.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (old && old.outerHTML !== fresh.outerHTML) old.replaceWith(fresh);
  }
}

// Said when the verdict changes, and no more often than once a minute.
function speak() {
  const lines = [...parts.querySelectorAll(".verdict .first, .verdict li")];
  const now = lines.map((line) => line.textContent.trim()).join(". ").replace(/[\d\s.,]+/g, " ");
  if (now === verdict || performance.now() - spokenAt < SPOKEN_MILLISECONDS) return;
  if (verdict !== null) spoken.textContent = lines.map((line) => line.textContent.trim()).join(". ");
  verdict = now;
  spokenAt = performance.now();
}

// Load the page anew once it can be: it asks for the token, or follows a new process. What somebody
// between answers is no page of ours, whatever its status.
async function again() {
  clearTimeout(waiting);
  const answer = await fetch("/ops").catch(() => null);
  const text = answer ? await answer.text().catch(() => "") : "";
  if (text.includes('<meta name="generator" content="scrutin">') &&
      (answer.ok || answer.status === 401)) {
    location.reload();
    return;
  }
  waiting = setTimeout(again, pause);
  pause = Math.min(2 * pause, AGAIN_LONGEST_MILLISECONDS);
}

function partsOf(data) {
  try {
    return JSON.parse(data).parts ?? null;
  } catch {
    return null;
  }
}

function connect() {
  if (stream || paused || document.hidden) return;
  heardAt = performance.now();
  stream = new EventSource(panel.dataset.stream);
  stream.onopen = () => (shown.textContent = panel.dataset.moving);
  stream.onerror = () => {
    shown.textContent = panel.dataset.cut;
    parts.classList.add("stale");
    // A refusal ends the stream for good; a cut is mended by the browser.
    if (stream.readyState !== EventSource.CLOSED) return;
    clearTimeout(waiting);
    waiting = setTimeout(again, AGAIN_MILLISECONDS);
  };
  stream.onmessage = (event) => {
    const markup = partsOf(event.data);
    if (markup === null) return; // Not ours: soon too old, and said so.
    heardAt = performance.now();
    if (parts.classList.contains("stale")) shown.textContent = panel.dataset.moving;
    parts.classList.remove("stale");
    put(markup);
    speak();
  };
}

function disconnect() {
  if (stream) stream.close();
  stream = null;
}

button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? panel.dataset.resume : panel.dataset.pause;
  shown.textContent = paused ? panel.dataset.paused : panel.dataset.moving;
  if (paused) disconnect();
  else connect();
});
// A stream that is open and says nothing is as bad as none.
setInterval(() => {
  if (!stream || performance.now() - heardAt < OLD_MILLISECONDS) return;
  parts.classList.add("stale");
  shown.textContent = panel.dataset.cut;
}, 1_000);
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));

panel.hidden = false;
speak();
connect();
