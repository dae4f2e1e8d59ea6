// Votes without leaving the page. Theory of operation: the page is complete without this. With it,
// each act goes by /v1 (vote-api.js). Where that does not go (something is to be confirmed, a file
// did not come, /v1 refuses), the page's own forms go to their own addresses, and what comes back
// is the page that a browser without scripts would show, of which the ballot is taken: both ways
// give the same log. What could not be recorded is sent again as it was, under the same key: the log
// counts it once. So is what anybody but the service has answered, a proxy for one, whatever it
// says: nobody knows what became of it.

const ATTEMPTS = 6;
const FIRST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 20_000;
const SAID = { 429: "busy", 503: "away", 504: "unknown" }; // What is sent again, and why.
const ANSWER_MILLISECONDS = 15_000;
const ALONE_MILLISECONDS = 2_000; // Another tab's answer takes a tenth of it.
const LOAD_MILLISECONDS = 3_000; // Then forms do.
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
let api = null; // The way by /v1, once its file is here: `isOpen` once its cards are.
let loading = null;
let shownAt = performance.now();
const clock = Number(document.querySelector("#ballot [name=shown]")?.value) - shownAt;

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
async function renew(form, fields, usual) {
  if (!("first" in ballot().dataset)) return;
  if (usual) {
    const proof = await api.renewed(fields.get("proposal"), RENEW_MILLISECONDS);
    if (proof) fields.set("renewed", proof);
    return;
  }
  const query = new URLSearchParams({ proposal: fields.get("proposal") });
  const answer = await fetch(`${form.action}?${query}`, {
    signal: AbortSignal.timeout(RENEW_MILLISECONDS),
  }).catch(() => null);
  // Without an answer the proof it has is all there is.
  const proof = (await pageOf(answer))?.querySelector("#ballot [name=proof]");
  if (proof) fields.set("renewed", proof.value);
}

// What the browser keeps of its votes is one cookie: of two answers at the same moment, in two tabs,
// the later one would not know of the other's vote. So one tab sends after the other, where there
// are locks (within a page of another site browsers may refuse them), but for one that was frozen
// in the middle of it, which nobody waits for.
async function alone(work) {
  let begun = false;
  const locked = () => {
    begun = true;
    return work();
  };
  try {
    return await navigator.locks.request(
      "scrutin-paper", { signal: AbortSignal.timeout(ALONE_MILLISECONDS) }, locked);
  } catch (error) {
    if (begun) throw error;
    return work();
  }
}

// Asks until there is an answer that `read` knows for one of ours; null where there is none, again
// and again.
async function insist(ask, read) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask().catch(() => null);
    const found = await read(answer);
    if (found && !(answer.status in SAID)) return { found, answer };
    show(trouble.dataset[answer ? (found && SAID[answer.status]) || "foreign" : "offline"]);
    if (attempt === ATTEMPTS) return null;
    const told = Number(answer?.headers.get("retry-after")) * 1_000 || 0; // It may be a date.
    const wait = Math.max(told, FIRST_WAIT_MILLISECONDS * 2 ** (attempt - 1));
    await pause(Math.min(wait, LONGEST_WAIT_MILLISECONDS));
  }
}

// Gives the page that answers a form, and its address; null where none of ours came.
async function send(form, fields) {
  let shown = null; // Once the booth has sent us on to a page, that page alone is asked for again.
  const said = await insist(async () => {
    const asked = shown ? {} : { method: "POST", body: fields };
    const answer = await alone(() => fetch(shown ?? form.action, {
      ...asked, signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
    }));
    if (answer.redirected) shown = answer.url;
    return answer;
  }, pageOf);
  return said && { page: said.found, url: said.answer.url };
}

// Asks again for what everybody votes, until one's own vote is counted in it. The rest of the
// page, and the focus, stay as they are.
async function look() {
  await loading;
  if (api?.isOpen()) {
    api.tell();
    return;
  }
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

// Brings the way by /v1 to this page; where its file does not come, forms go on.
async function load() {
  api ??= await import(trouble.dataset.api).catch(() => null);
  await api?.load(page).catch(() => null);
}

// Shows the page that answers a form. `done` is what to say where nobody but this script has sent it:
// then the focus stays, wherever it is.
function receive({ page, url }, done = "") {
  const fresh = page.getElementById("ballot");
  document.title = page.title;
  for (const link of document.querySelectorAll("[hreflang]")) {
    const same = page.querySelector(`[hreflang="${link.hreflang}"]`);
    if (same) link.setAttribute("href", same.getAttribute("href"));
  }
  trouble.hidden = true;
  history.replaceState(null, "", fresh?.dataset.path ?? url);
  if (!fresh) {
    // Closed meanwhile, or another page altogether: show it whole.
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.querySelector("main").focus();
    return;
  }
  const goesOn = carry(document.getElementById("check"), fresh);
  if (!goesOn) checking?.abort();
  put(fresh, done);
  if (api?.isOpen()) loading = load();
  look();
  if (!goesOn) check();
}

// Puts a ballot in the place of the one that is shown; the focus stays where it was.
function put(fresh, done = "") {
  const focused = document.activeElement?.id;
  const within = ballot().contains(document.activeElement);
  ballot().replaceWith(fresh);
  shownAt = performance.now();
  const place = document.getElementById(focused) ?? document.getElementById("proposal");
  if (within || !done) place.focus({ preventScroll: Boolean(done) });
  const passed = done && !document.getElementById("check") ? `${done} ` : "";
  spoken.textContent = passed + fresh.dataset.spoken;
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

// What vote-api.js shows, and asks with.
const page = {
  trouble, spoken, ballot, put, alone, insist, pageOf, send,
  isSending: () => sending,
  shownMilliseconds: () => performance.now() - shownAt,
  now: () => Math.round(clock + performance.now()), // Of the server, as the forms tell it.
};

async function submit(form, fields, again = false, done = "") {
  if (sending) return;
  sending = true;
  ballot()?.setAttribute("aria-busy", "true");
  try {
    await Promise.race([loading, new Promise((resolve) => {
      setTimeout(resolve, LOAD_MILLISECONDS);
    })]);
    await api?.settled();
    const usual = Boolean(api?.isUsual(fields));
    if (!again) await renew(form, fields, usual); // What may be in the log is sent as it was.
    const answer = usual ? await api.act(form, fields) : await send(form, fields);
    if (answer) answer.page && receive(answer, done);
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

window.addEventListener("popstate", () => {
  const proposal = new URLSearchParams(location.search).get("proposal");
  if (proposal === ballot()?.querySelector("[name=proposal]")?.value) return; // Within the page.
  if (!api?.returned(proposal)) location.reload();
});

loading = load();
look();
check();

window.addEventListener("online", () => {
  wake?.();
  api?.tell();
});

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
