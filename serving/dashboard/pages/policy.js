// Forbids turning text into HTML or scripts. The empty string is allowed, because the chart library clears its element
// with it.
if (window.trustedTypes) {
  const refuse = () => {
    throw new TypeError("text is shown as text, never as markup");
  };
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => (text === "" ? text : refuse()),
    createScript: refuse,
    createScriptURL: refuse,
  });
}
