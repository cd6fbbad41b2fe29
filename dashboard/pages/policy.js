// No text ever becomes markup: the chart library empties its element this way, and nothing else may.
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
