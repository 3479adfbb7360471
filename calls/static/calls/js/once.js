// A form that is on its way is not sent again: a double click makes one change. Without it, every click is a request.

const PATIENCE_MS = 15_000;
const underWay = new Map();

export function start(body) {
  body.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    // What a script sends, it guards itself; asking twice changes nothing.
    if (event.defaultPrevented || (submitter?.formMethod || form.method) !== "post") {
      return;
    }
    if (underWay.has(form)) {
      event.preventDefault();
      return;
    }
    underWay.set(form, submitter);
    submitter?.toggleAttribute("data-busy", true);
    setTimeout(() => release(form), PATIENCE_MS); // somebody stopped it, or the answer was a file
  });
  // Also when one comes back to the page as it was left.
  window.addEventListener("pageshow", () => {
    [...underWay.keys()].forEach(release);
  });
}

function release(form) {
  underWay.get(form)?.removeAttribute("data-busy");
  underWay.delete(form);
}
