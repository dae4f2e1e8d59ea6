// Repaints the figures of a page that is complete without it. Theory of operation: the stream
// sends whole snapshots of the totals and of the proposals on screen; the newest one waits here
// and is painted at most four times a second. Only text and bar widths change, never the
// structure, so that no reader loses their place; what is not repainted then says that it stands
// as it was loaded. The id of a snapshot is its place in the logs: one that lies before what is
// shown (of a server that lags behind another) is dropped, so that no figure goes back, unless it is
// of a log that was begun anew. A browser
// connects anew by itself after a cut, save where it was answered with an error, or by somebody
// else: then this program does, each time after a longer pause. Where nothing comes of a stream that
// is open, something between holds it back: then each stream ends with its snapshot.

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const REPAINT_MILLISECONDS = calm ? 2_000 : 250;
const SPOKEN_MILLISECONDS = 60_000;
const REFUSED_MILLISECONDS = 5_000;
const REFUSED_LONGEST_MILLISECONDS = 80_000;
const HELD_MILLISECONDS = 10_000; // A first snapshot that is so late is held back by somebody between.
const FOLLOW_MILLISECONDS = 500;
const FOLLOWED_MOST = 16; // as many as a stream takes

const panel = document.getElementById("live");
const button = panel.querySelector("button");
const shown = panel.querySelector(".live-state");
const spoken = document.getElementById("live-spoken");
const numbers = new Intl.NumberFormat(document.documentElement.lang);
const percents = new Intl.NumberFormat(numbers.resolvedOptions().locale, { style: "percent" });
const entries = [...document.querySelectorAll("[data-live-proposal]")];

let stream = null;
let paused = false;
let ended = false;
let newest = null;
let place = placesOf(panel.dataset.place);
let log = logOf(panel.dataset.place);
let painting = null;
let paintedAt = -REPAINT_MILLISECONDS;
let votes = null;
let votesSpoken = null;

const onScreen = new Set();
let followed = "";
let following = null;
let again = null;
let held = false; // Streams are held back until they end: so each shall end with its snapshot.
let opened = false;
let silence = null;
let pause = REFUSED_MILLISECONDS;

// Whole percent, half up, from integers: the same rule as on the server.
const percent = (count, base) => Math.floor((200 * count + base) / (2 * base));

// An offset may be -1: "5--1-7.0a1b2c3d" is 5, -1 and 7, of the log 0a1b2c3d.
function placesOf(id) {
  return [...id.matchAll(/(?:^|-)(-?\d+)/g)].map((found) => Number(found[1]));
}

function logOf(id) {
  return id.split(".")[1] ?? "";
}

const isBefore = (these, those) =>
  these.length === those.length && these.some((offset, index) => offset < those[index]);

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function paintTotals(totals) {
  const values = {
    votes: totals.counted.votes,
    received: totals.received,
    set_aside: totals.set_aside,
    participants: totals.participants,
    participants_received: totals.participants_received,
    log_records: place.slice(0, -2).reduce((sum, offset) => sum + offset + 1, 0),
  };
  for (const element of document.querySelectorAll("[data-live]")) {
    const value = values[element.dataset.live];
    if (value !== undefined) write(element, numbers.format(value));
  }
  const target = document.querySelector("[data-live-target]");
  if (target) {
    const goal = Number(target.dataset.liveTarget);
    write(target, percents.format(percent(values.votes, goal) / 100));
    const filled = Math.min(100, (100 * values.votes) / goal);
    const bar = document.querySelector(".goal:not(.reached) .fill");
    if (bar) bar.setAttribute("width", `${filled.toFixed(2)}%`);
  }
  votes = values.votes;
}

function sharePainted(count, base) {
  const whole = percent(count, base);
  if (count > 0 && whole === 0) return `<\u00a0${percents.format(0.01)}`;
  if (count < base && whole === 100) return `>\u00a0${percents.format(0.99)}`;
  return percents.format(whole / 100);
}

function paintProposal(element, counted) {
  write(element.querySelector("[data-live-votes]"), numbers.format(counted.votes));
  if (!counted.votes || counted.agree === undefined) return;
  let start = 0;
  for (const name of ["agree", "disagree", "neutral"]) {
    const row = element.querySelector(`[data-live-choice="${name}"]`);
    write(row.querySelector(".value"), sharePainted(counted[name], counted.votes));
    write(row.querySelector(".number"), numbers.format(counted[name]));
    const width = (100 * counted[name]) / counted.votes;
    const bar = element.querySelector(`.split .${name}`);
    if (bar) {
      bar.setAttribute("x", `${start}%`);
      bar.setAttribute("width", `${width}%`);
    }
    start += width;
  }
  for (const count of element.querySelectorAll("[data-live-qualification]")) {
    write(count, numbers.format(counted.qualifications[count.dataset.liveQualification]));
  }
}

function paint() {
  painting = null;
  paintedAt = performance.now();
  if (!newest || paused) return;
  if (newest.totals) paintTotals(newest.totals);
  const moved = place.join("-") !== placesOf(panel.dataset.place).join("-")
    || log !== logOf(panel.dataset.place);
  for (const element of document.querySelectorAll("[data-loaded]")) element.hidden = !moved;
  for (const element of entries) {
    const entry = newest.proposals[element.dataset.liveProposal];
    if (entry) paintProposal(element, entry.counted);
  }
  if (newest.state !== "open") {
    ended = true;
    disconnect();
    button.hidden = true;
    write(shown, panel.dataset.closed);
    write(spoken, panel.dataset.closed);
  }
}

function connect() {
  if (stream || paused || ended || document.hidden) return;
  clearTimeout(again);
  const query = new URLSearchParams({
    ...(followed && { proposals: followed }), ...(held && { once: 1 }) });
  stream = new EventSource(`${panel.dataset.stream}?${query}`);
  if (!held) silence = setTimeout(hurry, HELD_MILLISECONDS);
  stream.onopen = () => {
    opened = true;
    write(shown, panel.dataset.moving);
  };
  stream.onerror = () => {
    if (!held || !opened) write(shown, panel.dataset.cut);
    opened = false;
    if (stream.readyState === EventSource.CLOSED) comeBack();
  };
  stream.onmessage = (event) => {
    const sent = placesOf(event.lastEventId);
    const said = snapshotOf(event.data);
    if (!said) {
      write(shown, panel.dataset.cut);
      comeBack();
      return;
    }
    clearTimeout(silence);
    pause = REFUSED_MILLISECONDS;
    const sentLog = logOf(event.lastEventId);
    const isAnother = Boolean(log && sentLog) && log !== sentLog;
    if (!isAnother && isBefore(sent, place)) return;
    place = sent;
    log = sentLog || log;
    newest = said;
    painting ??= setTimeout(paint, paintedAt + REPAINT_MILLISECONDS - performance.now());
  };
}

// What is no snapshot of ours was sent by somebody between.
function snapshotOf(text) {
  try {
    const said = JSON.parse(text);
    return said?.proposals ? said : null;
  } catch {
    return null;
  }
}

function hurry() {
  held = true;
  disconnect();
  connect();
}

function comeBack() {
  disconnect();
  again = setTimeout(connect, pause);
  pause = Math.min(2 * pause, REFUSED_LONGEST_MILLISECONDS);
}

function disconnect() {
  clearTimeout(silence);
  if (stream) stream.close();
  stream = null;
}

// Asks for the proposals on screen, once the reader has stopped scrolling.
function follow() {
  following = null;
  const names = entries.filter((element) => onScreen.has(element))
    .map((element) => element.dataset.liveProposal);
  const wanted = [...new Set(names)].slice(0, FOLLOWED_MOST).join(",");
  if (wanted === followed) return;
  followed = wanted;
  disconnect();
  connect();
}

const watch = new IntersectionObserver((changes) => {
  for (const change of changes) {
    if (change.isIntersecting) onScreen.add(change.target);
    else onScreen.delete(change.target);
  }
  clearTimeout(following);
  following = setTimeout(follow, FOLLOW_MILLISECONDS);
});
entries.forEach((element) => watch.observe(element));

button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? panel.dataset.resume : panel.dataset.pause;
  write(shown, paused ? panel.dataset.paused : panel.dataset.moving);
  if (paused) disconnect();
  else connect();
});
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
setInterval(() => {
  if (paused || ended || votes === null || votes === votesSpoken) return;
  votesSpoken = votes;
  write(spoken, panel.dataset.spoken.replace("{votes}", numbers.format(votes)));
}, SPOKEN_MILLISECONDS);

panel.hidden = false;
connect();
