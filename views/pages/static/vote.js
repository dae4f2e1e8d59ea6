// Sends the booth's forms without leaving the page. Theory of operation: the page is complete
// without this; here its own forms go to their own addresses, and what comes back is the page
// that a browser without scripts would show, of which the ballot is taken. What could not be
// recorded is sent again as it was, under the same key: the log counts it once.

const ATTEMPTS = 6;
const FIRST_WAIT_MILLISECONDS = 1_000;
const LONGEST_WAIT_MILLISECONDS = 20_000;
const SAID = { 429: "busy", 503: "away", 504: "unknown" }; // What is sent again, and why.
const ANSWER_MILLISECONDS = 15_000;
const RENEW_MILLISECONDS = 3_000; // A proof that is late is not worth more waiting.
const LOOKS = 10; // Then the link under the vote is enough: something holds the count up.
const LOOK_MILLISECONDS = 1_000;

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
// set aside.
async function renew(form, fields) {
  if (!("first" in ballot().dataset)) return;
  const query = new URLSearchParams({ proposal: fields.get("proposal") });
  const answer = await fetch(`${form.action}?${query}`, {
    signal: AbortSignal.timeout(RENEW_MILLISECONDS),
  }).catch(() => null);
  if (!answer?.ok) return; // Then the proof it has is the best there is.
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const proof = page.querySelector("#ballot [name=proof]");
  if (proof) fields.set("proof", proof.value);
}

// What the browser keeps of its votes is one cookie: of two answers at the same moment, in two tabs,
// the later one would not know of the other's vote. So one tab sends after the other.
const alone = (work) => navigator.locks ? navigator.locks.request("scrutin-paper", work) : work();

async function send(form, fields) {
  for (let attempt = 1; ; attempt += 1) {
    let answer = null;
    try {
      answer = await alone(() => fetch(form.action, {
        method: "POST", body: fields, signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
      }));
    } catch {
      show(trouble.dataset.offline);
    }
    if (answer && !(answer.status in SAID)) return answer;
    if (answer) show(trouble.dataset[SAID[answer.status]]);
    if (attempt === ATTEMPTS) return null;
    const asked = Number(answer?.headers.get("retry-after") ?? 0) * 1_000;
    const wait = Math.max(asked, FIRST_WAIT_MILLISECONDS * 2 ** (attempt - 1));
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
    if (!answer?.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [shown, fresh] = [held, page].map((within) => within.querySelector(".shares"));
    if (sending) return;
    if (fresh && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
  }
}

async function receive(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("ballot");
  document.title = page.title;
  trouble.hidden = true;
  history.replaceState(null, "", answer.url);
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
    if (answer) await receive(answer);
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
