// Opens native dialogs modally. Without this module the same buttons open them as popovers.

export function start() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[popovertarget]");
    const dialog = opener && document.getElementById(opener.getAttribute("popovertarget"));
    if (!(dialog instanceof HTMLDialogElement)) {
      return;
    }
    event.preventDefault();
    if (dialog.open) {
      dialog.close();
    } else if (!opener.disabled) {
      openModal(dialog);
    }
  });
}

export function openModal(dialog) {
  if (!dialog.open) {
    dialog.showModal();
  }
}
