// A form that is on its way is not sent again: a double click makes one change. Without it, every click is a request.

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
  });
  // Also when one comes back to the page as it was left.
  window.addEventListener("pageshow", () => {
    underWay.forEach((submitter) => submitter?.removeAttribute("data-busy"));
    underWay.clear();
  });
}
