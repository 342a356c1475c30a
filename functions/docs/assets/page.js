"use strict";

// Every address is relative: the page works behind any domain and any stage, and calls no other.
const reference = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  // A token that was given is kept by the page, and by nothing that outlives it.
  persistAuthorization: false,
});

const form = document.getElementById("sign-in");
const state = document.getElementById("state");
const codeField = form.elements.code.closest("label");
let challenge = null;

async function send(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const { data, detail } = await answer.json();
  if (!answer.ok) throw new Error(detail);
  return data;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password, code } = form.elements;
  state.textContent = "…";
  try {
    const data = challenge
      ? await send("api/login/mfa", { challenge_id: challenge, code: code.value })
      : await send("api/login", { email: email.value, password: password.value });
    challenge = data.mfa_required ? data.challenge_id : null;
    codeField.hidden = !challenge;
    if (challenge) {
      state.textContent = "Give the code of your second factor.";
      code.focus();
      return;
    }
    reference.preauthorizeApiKey("bearer", data.access_token);
    form.reset();
    state.textContent = `Signed in as ${data.user.display_name}.`;
  } catch (error) {
    challenge = null;
    codeField.hidden = true;
    state.textContent = error.message;
  }
});
