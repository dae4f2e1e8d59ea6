// Votes without leaving the page. Theory of operation: the page is complete without this. With it,
// all proposals in turn are here at once, as small JSON; each act goes to /v1, the ballot is made
// in the browser, and the booth's pages are told afterwards what was done and say what everybody
// votes. Where that does not go (something is to be confirmed, a file did not come, /v1 refuses),
// the page's own forms go to their own addresses, and what comes back is the page that a browser
// without scripts would show, of which the ballot is taken: both ways give the same log. What could
// not be recorded is sent again as it was, under the same key: the log counts it once. So is what
// anybody but the service has answered, a proxy for one, whatever it says: nobody knows what became
// of it.

const ATTEMPTS = 6;
const FIRST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 20_000;
const SAID = { 429: "busy", 503: "away", 504: "unknown" }; // What is sent again, and why.
const ANSWER_MILLISECONDS = 15_000;
const LOAD_MILLISECONDS = 3_000; // Then forms do.
const RENEW_MILLISECONDS = 3_000; // A proof that is late is not worth more waiting.
const LOOKS = 10; // Then the link under the vote is enough: something holds the count up.
const LOOK_MILLISECONDS = 1_000;
const SOLVERS_MOST = 4; // Threads that work on what the door asks; a phone has about as many.
const WAITED_LATER_MILLISECONDS = 1_000; // Its clock may be behind ours by less.
const CHECKS_MOST = 5; // Then the link in the notice is enough: something refuses what we do.
const DOUBLE_CLICK_MILLISECONDS = 500; // A ballot so young was not read; the server says the same.

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
let booth = null; // Cards and texts, once they are here, and what makes ballots of them.
let loading = null;
let telling = null;
let asksAnyway = false;
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
    const given = await cardsNow(fields.get("proposal"), RENEW_MILLISECONDS);
    const proof = given?.known && given.cards[0].proof;
    if (!proof) return;
    take(given);
    fields.set("renewed", proof);
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
// the later one would not know of the other's vote. So one tab sends after the other.
const alone = (work) => navigator.locks ? navigator.locks.request("scrutin-paper", work) : work();

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
  if (booth) {
    tell();
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
  const goesOn = carry(document.getElementById("check"), fresh);
  if (!goesOn) checking?.abort();
  put(fresh, done);
  if (booth) loading = load();
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

async function submit(form, fields, again = false, done = "") {
  if (sending) return;
  sending = true;
  ballot()?.setAttribute("aria-busy", "true");
  try {
    await Promise.race([loading, new Promise((resolve) => {
      setTimeout(resolve, LOAD_MILLISECONDS);
    })]);
    const usual = isUsual(fields);
    if (!again) await renew(form, fields, usual); // What may be in the log is sent as it was.
    const answer = usual ? await act(form, fields) : await send(form, fields);
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

// By /v1

// Gives the JSON of an answer; null where it is none of ours.
async function jsonOf(answer) {
  const type = answer?.headers.get("content-type") ?? "";
  if (!/^application\/(problem\+)?json\b/.test(type)) return null;
  const found = await answer.json().catch(() => null);
  return typeof found === "object" ? found : null;
}

const asked = (address, milliseconds) => fetch(
  address, { signal: AbortSignal.timeout(milliseconds) }).catch(() => null);

// The cards in turn as they are now, that of a proposal first.
async function cardsNow(proposal, milliseconds) {
  const address = ballot().querySelector("form").getAttribute("action");
  const query = new URLSearchParams({ proposal });
  const answer = await alone(() => asked(`${address}/cards?${query}`, milliseconds));
  return answer?.ok ? jsonOf(answer) : null;
}

// Takes cards and texts, and what makes ballots of them; where one does not come, forms go on.
async function load() {
  const form = ballot()?.querySelector("form [name=proposal]")?.form;
  if (!form) return;
  const { cards, acts, texts } = trouble.dataset;
  const parts = await Promise.all([
    import(cards), import(acts), asked(texts, ANSWER_MILLISECONDS).then(jsonOf),
    cardsNow(form.elements.proposal.value, ANSWER_MILLISECONDS),
  ]).catch(() => []);
  const given = parts[3];
  if (!parts[2] || !given?.known) return;
  booth = {
    makes: parts[0], acts: parts[1], texts: parts[2], address: form.getAttribute("action") };
  take(given);
  booth.cards.get(form.elements.proposal.value).proof = form.elements.proof.value;
  await resume();
}

// Takes all cards in turn.
function take(given) {
  booth.cards = new Map(given.cards.map((card) => [card.id, card]));
  booth.sequence = given.sequence;
  booth.described = given.described;
  booth.first = !given.cards.some((card) => card.acts) && "first" in ballot().dataset;
  Object.assign(given.cards[0], { shares: given.shares, counted: given.counted });
}

// Whether a form is sent by /v1: an act on a card that has nothing to confirm.
function isUsual(fields) {
  const card = booth?.cards.get(fields.get("proposal"));
  return Boolean(card) && !card.needs_page && !ballot().querySelector(".aside");
}

// Does what a form says; null where no answer came, a page where there is one to show.
async function act(form, fields) {
  const word = fields.get("act");
  const isYoung = performance.now() - shownAt < DOUBLE_CLICK_MILLISECONDS;
  if (word.startsWith("-") && isYoung) return {}; // A second click of the one that said it.
  const card = booth.cards.get(fields.get("proposal"));
  const request = booth.acts.requestOf(booth, card, booth.makes.nextOf(booth, card), fields);
  booth.acts.begin(booth.address, request);
  const said = await ask(request);
  if (!said) return null;
  booth.acts.end(booth.address);
  // What is refused there is refused here too, and the page says why.
  if (said.answer.status !== 202) return send(form, fields);
  return recorded(request, said.found);
}

const ask = ({ address, method, key, body }) => insist(() => fetch(address, {
  method,
  headers: {
    accept: "application/json", "idempotency-key": key,
    ...(body ? { "content-type": "application/json" } : {}),
  },
  ...(body ? { body: JSON.stringify(body) } : {}),
  signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
}), jsonOf);

// Shows what was recorded; gives the page of what has something to confirm.
async function recorded({ proposal, word, next }, said) {
  const card = booth.cards.get(proposal);
  booth.acts.note(booth.address, said.note);
  if (said.trust !== "trusted") return confirmed(card, said.challenge);
  booth.acts.apply(card, word, said);
  booth.first = false;
  if (said.next_proof) Object.assign(booth.cards.get(next), {
    proof: said.next_proof, dated: true });
  trouble.hidden = true;
  if (ballot().querySelector("[name=proposal]").value === proposal) showCard(card);
  tell();
  return {};
}

// The page of a vote that waits for a check, or has to be confirmed.
async function confirmed(card, challenge) {
  const path = booth.makes.pathOf(booth, card);
  const said = await insist(() => say(card.id, challenge), async (answer) => (
    await jsonOf(answer) ?? await pageOf(answer)));
  if (!said) return null;
  if (said.found instanceof Document) return { page: said.found, url: path };
  const page = await insist(() => asked(path, ANSWER_MILLISECONDS), pageOf);
  return page && { page: page.found, url: path };
}

function showCard(card, isTurned = false) {
  const { makes, acts } = booth;
  const fresh = makes.ballotOf(booth, card, acts.newKey(), Math.round(clock + performance.now()));
  document.title = makes.titleOf(booth, card);
  for (const link of document.querySelectorAll("[hreflang]")) {
    const language = new URL(link.href).searchParams.get("lang");
    link.href = makes.pathOf(booth, card) + (language ? `&lang=${language}` : "");
  }
  put(fresh);
  if (!isTurned) return;
  document.getElementById("proposal").focus();
  spoken.textContent = makes.placeOf(booth, card);
}

// Shows another card. Its proof is of the moment it is shown: of the act before, or asked for now.
function turn(card) {
  trouble.hidden = true;
  showCard(card, true);
  if (!card.dated || card.acts) tell(true);
  card.dated = false;
}

// Tells the booth's pages what was done, and takes what they say of the card that is shown.
function say(proposal, challenge = null) {
  const { acts, address } = booth;
  const notes = acts.notes(address);
  return alone(() => fetch(`${address}/cards`, {
    method: "POST", headers: { "content-type": "application/json" }, keepalive: true,
    body: JSON.stringify({ notes, proposal, ...(challenge ? { challenge } : {}) }),
    signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
  })).then((answer) => {
    if (answer.ok) acts.told(address, notes);
    return answer;
  });
}

const tell = (anyway = false) => {
  asksAnyway ||= anyway;
  telling ??= tellAll().finally(() => { telling = null; });
  return telling;
};

async function tellAll() {
  const waits = () => ballot()?.querySelector("[data-waiting]");
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const untold = booth.acts.notes(booth.address).length;
    if (!asksAnyway && !untold && !waits()) return;
    const proposal = ballot()?.querySelector("[name=proposal]")?.value;
    if (!proposal) return;
    asksAnyway = false;
    const answer = await say(proposal).catch(() => null);
    const given = answer?.ok ? await jsonOf(answer) : null;
    if (given) update(given);
    const more = booth.acts.notes(booth.address).length;
    if ((!given && more) || (!more && waits())) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
  }
}

// Takes a fresh proof and what everybody votes; what else the page shows stays as it is.
function update({ cards: [fresh], shares, counted, described }) {
  const card = booth.cards.get(fresh.id);
  booth.described = described;
  if (!card || sending) return;
  Object.assign(card, { proof: fresh.proof, shares, counted });
  const shown = ballot()?.querySelector("[name=proposal]");
  if (shown?.value !== fresh.id) return;
  shown.form.elements.proof.value = fresh.proof;
  const held = ballot().querySelector(".shares");
  if (held && card.choice && !held.contains(document.activeElement)) {
    held.replaceWith(booth.makes.sharesOf(booth, card));
  }
}

// Ends what this tab had begun before it was loaded: an act that may not have arrived is sent again
// as it was; and what the page does not know of, for nobody had told it, it shows now.
async function resume() {
  const { acts, address } = booth;
  const request = acts.sending(address);
  const isBehind = request || acts.notes(address).length;
  if (request) {
    const said = await ask(request);
    if (!said) return;
    acts.end(address);
    trouble.hidden = true;
    if (said.answer.status === 202) acts.note(address, said.found.note);
  }
  if (!isBehind) return;
  const proposal = ballot().querySelector("[name=proposal]").value;
  await say(proposal).catch(() => null);
  const given = await cardsNow(proposal, ANSWER_MILLISECONDS);
  if (!given) return;
  take(given);
  const [card] = given.cards;
  if (card.needs_page) location.reload();
  else showCard(card);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!booth || !link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const proposal = new URL(link.href).searchParams.get("proposal");
  const card = link.id === "next" && booth.cards.get(proposal);
  if (card && booth.makes.isUsual(card) && !ballot().querySelector(".aside")) {
    event.preventDefault();
    history.pushState(null, "", booth.makes.pathOf(booth, card));
    turn(card);
  } else if (booth.acts.notes(booth.address).length && !link.target && !link.download) {
    event.preventDefault(); // The next page knows what it was told.
    tell().finally(() => location.assign(link.href));
  }
});

window.addEventListener("pagehide", () => {
  if (booth && booth.acts.notes(booth.address).length) tell();
});

window.addEventListener("popstate", () => {
  const proposal = new URLSearchParams(location.search).get("proposal");
  if (proposal === ballot()?.querySelector("[name=proposal]")?.value) return; // Within the page.
  const card = booth?.cards.get(proposal);
  if (card && booth.makes.isUsual(card)) turn(card);
  else location.reload();
});

loading = load();
look();
check();

window.addEventListener("online", () => {
  wake?.();
  if (booth) tell();
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
