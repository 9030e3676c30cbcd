// Takes a code out of the address, where browsers never send it, into the form, and out of the history. It sends nothing by itself.
"use strict";
const code = document.getElementById("code");
if (code && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  document.getElementById("password").focus();
}
