// Forbids turning text into HTML, except for the empty string: the chart library uses it to clear its
// element.
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
