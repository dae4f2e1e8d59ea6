// The link of a card bears its code behind the #, which no server is sent. It is taken out of the
// address, so that nobody finds it there or by going back, and posted by the page's form; in the list
// of pages that were visited browsers keep it all the same, which the page that asks says. Where
// this browser votes with a code already, that is left to its person: who sends links around could
// else have others vote with a code of theirs. Where nobody can vote now it is dropped.

const WRITTEN = /^#[0-9A-Za-z-]{20,100}$/; // A code, or what is left of one: it is told so.

function take() {
  if (!WRITTEN.test(location.hash)) return;
  const code = location.hash.slice(1);
  const field = document.getElementById("code");
  const asking = document.getElementById("to-code");
  history.replaceState(history.state, "", location.pathname + location.search);
  if (field) {
    field.value = code;
    if (!("given" in field.dataset)) field.form.submit();
  } else if (asking) {
    location.replace(`${asking.href}#${code}`);
  }
}

addEventListener("hashchange", take);
take();
