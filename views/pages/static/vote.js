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

function receive({ page, url }) {
  const fresh = page.getElementById("ballot");
  document.title = page.title;
  trouble.hidden = true;
  history.replaceState(null, "", url);
  if (!fresh) {
    // Closed meanwhile, or another page altogether: show it whole.
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.querySelector("main").focus();
    return;
  }
  const focused = document.activeElement?.id;
  ballot().replaceWith(fresh);
  (document.getElementById(focused) ?? document.getElementById("proposal")).focus();
  spoken.textContent = fresh.dataset.spoken;
  look();
}

async function submit(form, fields, again = false) {
  if (sending) return;
  sending = true;
  ballot()?.setAttribute("aria-busy", "true");
  try {
    if (!again) await renew(form, fields); // What may be in the log is sent as it was.
    const answer = await send(form, fields);
    if (answer) receive(answer);
    else {
      show(trouble.dataset.givenUp);
      troubleButton.onclick = () => submit(form, fields, true);
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
  submit(form, fields);
});

look();

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
