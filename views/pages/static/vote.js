// Sends the booth's forms without leaving the page. Theory of operation: the page is complete
// without this; here its own forms go to their own addresses, and what comes back is the page
// that a browser without scripts would show, of which the ballot is taken. What could not be
// recorded is sent again as it was, under the same key: the log counts it once. So is what anybody
// but the booth has answered, a proxy for one, whatever it says: nobody knows what became of it.

const ATTEMPTS = 6;
const FIRST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 20_000;
const SAID = { 429: "busy", 503: "away", 504: "unknown" }; // What is sent again, and why.
const ANSWER_MILLISECONDS = 15_000;
const RENEW_MILLISECONDS = 3_000; // A proof that is late is not worth more waiting.
const LOOKS = 10; // Then the link under the vote is enough: something holds the count up.
const LOOK_MILLISECONDS = 1_000;
const SOLVERS_MOST = 4; // Threads that work on what the door asks; a phone has about as many.
const WAITED_LATER_MILLISECONDS = 1_000; // Its clock may be behind ours by less.
const CHECKS_MOST = 5; // Then the link in the notice is enough: something refuses what we do.

// The page of an answer; null where it is none of ours.
async function pageOf(answer) {
  const text = await answer?.text().catch(() => "");
  if (!text) return null;
  const page = new DOMParser().parseFromString(text, "text/html");
  const ours = page.querySelector('meta[name="generator"][content="scrutin"]');
  return ours && page.querySelector("main") ? page : null;
}

const spoken = document.getElementById("spoken");
const trouble = document.getElementById("trouble");
const troubleText = trouble.querySelector("p");
const troubleButton = trouble.querySelector("button");
const ballot = () => document.getElementById("ballot");

let sending = false;
let checking = null; // Ends the work for a vote that waits for a check.
let checks = 0; // Sent since the voter last did something.
let wake = null;

function show(text) {
  troubleText.textContent = text;
  trouble.hidden = false;
  spoken.textContent = text;
}

const pause = (milliseconds) => new Promise((resolve) => {
  wake = resolve;
  setTimeout(resolve, milliseconds);
});

// Before the first vote. The booth gave this browser a name, and another one in any other tab that
// was opened in the same moment: the last is kept. The proof must be of that name, or the vote is
// set aside. The first proof goes along: where it is good it says since when the page is open.
async function renew(form, fields) {
  if (!("first" in ballot().dataset)) return;
  const query = new URLSearchParams({ proposal: fields.get("proposal") });
  const answer = await fetch(`${form.action}?${query}`, {
    signal: AbortSignal.timeout(RENEW_MILLISECONDS),
  }).catch(() => null);
  // Without an answer the proof it has is all there is.
  const proof = (await pageOf(answer))?.querySelector("#ballot [name=proof]");
  if (proof) fields.set("renewed", proof.value);
}

// What the browser keeps of its votes is one cookie: of two answers at the same moment, in two tabs,
// the later one would not know of the other's vote. So one tab sends after the other.
const alone = (work) => navigator.locks ? navigator.locks.request("scrutin-paper", work) : work();

// Gives the page that answers a form, and its address; null where none of ours came, again and again.
async function send(form, fields) {
  let shown = null; // Once the booth has sent us on to a page, that page alone is asked for again.
  for (let attempt = 1; ; attempt += 1) {
    const asked = shown ? {} : { method: "POST", body: fields };
    const answer = await alone(() => fetch(shown ?? form.action, {
      ...asked, signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    })).catch(() => null);
    const page = await pageOf(answer);
    if (page && !(answer.status in SAID)) return { page, url: answer.url };
    if (answer?.redirected) shown = answer.url;
    show(trouble.dataset[answer ? (page && SAID[answer.status]) || "foreign" : "offline"]);
    if (attempt === ATTEMPTS) return null;
    const told = Number(answer?.headers.get("retry-after")) * 1_000 || 0; // It may be a date.
    const wait = Math.max(told, FIRST_WAIT_MILLISECONDS * 2 ** (attempt - 1));
    await pause(Math.min(wait, LONGEST_WAIT_MILLISECONDS));
  }
}

// Asks again for what everybody votes, until one's own vote is counted in it. The rest of the
// page, and the focus, stay as they are.
async function look() {
  const held = ballot();
  for (let looks = 0; looks < LOOKS && held?.querySelector("[data-waiting]"); looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    if (sending || held !== ballot()) return;
    const answer = await fetch(location.href).catch(() => null);
    const page = await pageOf(answer);
    if (!page) continue;
    const [shown, fresh] = [held, page].map((within) => within.querySelector(".shares"));
    if (sending) return;
    if (fresh && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
  }
}

// Shows the page that answers a form. `done` is what to say where nobody but this script has sent it:
// then the focus stays, wherever it is.
function receive({ page, url }, done = "") {
  const fresh = page.getElementById("ballot");
  document.title = page.title;
  trouble.hidden = true;
  history.replaceState(null, "", fresh?.dataset.path ?? url);
  if (!fresh) {
    // Closed meanwhile, or another page altogether: show it whole.
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.querySelector("main").focus();
    return;
  }
  const focused = document.activeElement?.id;
  const within = ballot().contains(document.activeElement);
  const goesOn = carry(document.getElementById("check"), fresh);
  if (!goesOn) checking?.abort();
  ballot().replaceWith(fresh);
  const place = document.getElementById(focused) ?? document.getElementById("proposal");
  if (within || !done) place.focus({ preventScroll: Boolean(done) });
  const passed = done && !document.getElementById("check") ? `${done} ` : "";
  spoken.textContent = passed + fresh.dataset.spoken;
  look();
  if (!goesOn) check();
}

// Takes a check that is under way over to the next page: what else the voter says meanwhile does
// not end it. False where there is none, or none that the new page is about.
function carry(waiting, fresh) {
  const confirm = fresh.querySelector("#act-confirm");
  if (!waiting?.dataset.act || confirm?.value !== waiting.dataset.act) return false;
  confirm.closest(".aside").replaceWith(waiting);
  return true;
}

// Base64 of JSON in UTF-8: names of proposals may have any letters.
const coded = (said) => btoa(
  String.fromCharCode(...new TextEncoder().encode(JSON.stringify(said))));

// Does the work that the door asks for, on a few threads, until `signal` ends it: PBKDF2 of one
// number after another, until one is as asked. Never ends where the browser cannot.
function solve(work, address, signal) {
  const count = Math.min(SOLVERS_MOST, navigator.hardwareConcurrency || 1);
  return new Promise((resolve) => {
    for (let place = 0; place < count; place += 1) {
      const worker = new Worker(address);
      signal.addEventListener("abort", () => worker.terminate());
      worker.onmessage = ({ data }) => {
        if (data?.derivedKey) resolve(coded({ challenge: work, solution: data }));
      };
      worker.postMessage({
        type: "work", challenge: work, counterStart: place, counterStep: count, timeout: 0,
      });
    }
  });
}

// Sends a vote again with what the door asks of it: work done, or leave after a wait, whichever
// comes first. A browser without WebCrypto waits; so does one that is slower than the wait.
async function check() {
  const held = document.getElementById("check");
  const asked = held?.dataset;
  if (!asked?.act || checks === CHECKS_MOST) return;
  checks += 1;
  held.querySelector(".scripted").hidden = false;
  const stop = new AbortController();
  checking = stop;
  const waited = Number(asked.wait) * 1_000 + WAITED_LATER_MILLISECONDS;
  const ways = [new Promise((resolve) => {
    setTimeout(() => resolve({ leave: asked.leave }), waited);
  })];
  if (asked.work && window.Worker && window.crypto?.subtle) {
    ways.push(solve(JSON.parse(asked.work), asked.solver, stop.signal)
      .then((solution) => ({ solution })));
  }
  const answer = await Promise.race(ways);
  stop.abort();
  if (sending || held !== document.getElementById("check")) return; // The voter has gone on.
  const form = held.closest("form");
  const fields = new URLSearchParams(new FormData(form));
  fields.set("act", asked.act);
  for (const [name, value] of Object.entries(answer)) fields.set(name, value);
  submit(form, fields, false, asked.done);
}

async function submit(form, fields, again = false, done = "") {
  if (sending) return;
  sending = true;
  ballot()?.setAttribute("aria-busy", "true");
  try {
    if (!again) await renew(form, fields); // What may be in the log is sent as it was.
    const answer = await send(form, fields);
    if (answer) receive(answer, done);
    else {
      show(trouble.dataset.givenUp);
      troubleButton.onclick = () => submit(form, fields, true, done);
    }
  } finally {
    sending = false;
    ballot()?.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("#ballot")) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form));
  fields.set(event.submitter.name, event.submitter.value);
  troubleButton.onclick = () => wake?.();
  checks = 0;
  submit(form, fields);
});

look();
check();

window.addEventListener("online", () => wake?.());

document.addEventListener("keydown", (event) => {
  const form = document.activeElement?.closest(".ballot form");
  if (!form || event.ctrlKey || event.altKey || event.metaKey) return;
  const buttons = [...form.querySelectorAll(".choice, .qualification")];
  const place = Number(event.key) - 1;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const step = event.key === "ArrowRight" ? 1 : buttons.length - 1;
    buttons[(at + step) % buttons.length].focus();
  } else if (place >= 0 && place < buttons.length) {
    buttons[place].focus();
    buttons[place].click();
  } else if (event.key === "n" || event.key === "N") {
    document.getElementById("next").click();
  } else return;
  event.preventDefault();
});
