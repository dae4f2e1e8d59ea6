// The link of a card bears its code behind the #, which no server is sent. It is taken out of the
// address, and so out of the history, and posted by the page's form. Where this browser votes with a
// code already, that is left to its person: who sends links around could else have others vote with
// a code of theirs.

const WRITTEN = /^#[0-9A-Za-z]{4}(-?[0-9A-Za-z]{4}){6}$/;

function take() {
  if (!WRITTEN.test(location.hash)) return;
  const code = location.hash.slice(1);
  const field = document.getElementById("code");
  history.replaceState(history.state, "", location.pathname + location.search);
  if (!field) {
    location.replace(`${document.getElementById("to-code").href}#${code}`);
    return;
  }
  field.value = code;
  if (!("given" in field.dataset)) field.form.submit();
}

addEventListener("hashchange", take);
take();
