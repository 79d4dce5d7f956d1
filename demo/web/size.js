// The render size: a slider with a mark where "auto" stands, its number, what it costs, and the way back to auto.
const find = (role) => element.querySelector(`[data-role=${role}]`);
const [range, number, mark, auto, label, cost] = ["range", "number", "mark", "auto", "label", "cost"].map(find);
const clamp = (value) => {
  const { largest, step } = props.value;
  const whole = Math.round(value);
  return Math.min(largest, Math.max(props.smallest, whole - (whole % step)));
};
let timer = 0;
let mine; // what was chosen here last: an answer about another position comes too late

function show() {
  const { factor, auto: standing, largest, of, step } = props.value;
  const at = factor === null ? standing : factor;
  const side = at * props.pixels;
  range.max = number.max = largest;
  range.step = number.step = step;
  range.value = at;
  if (document.activeElement !== number) number.value = at;
  const steps = step > 1 ? `, in multiples of ${step * props.pixels}` : "";
  label.textContent = `Render size ${at}: the model sees ${side} × ${side} pixels${steps}`;
  range.setAttribute("aria-valuetext", `${at}, ${side} × ${side} pixels${factor === null ? ", chosen automatically" : ""}`);
  mark.style.setProperty("--share", (standing - props.smallest) / (largest - props.smallest));
  mark.hidden = standing > largest;
  auto.disabled = factor === null;
  auto.textContent = factor === null ? "Auto" : `Back to auto (${standing})`;
  cost.textContent = of === factor ? props.value.cost : "…";
}

function answered() {
  if (mine !== undefined && props.value.of !== mine && props.value.factor !== mine)
    props.value = { ...props.value, factor: mine };
  else mine = undefined;
  show();
}

function choose(factor) {
  mine = factor;
  props.value = { ...props.value, factor };
  show();
  window.deoldify.remember({ factor: factor === null ? "" : factor });
  window.clearTimeout(timer);
  timer = window.setTimeout(() => trigger("input", {}), 150);
}

range.addEventListener("input", () => choose(clamp(Number(range.value))));
number.addEventListener("input", () => {
  const typed = Number(number.value);
  if (number.value !== "" && Number.isInteger(typed) && typed === clamp(typed)) choose(typed);
});
// What was typed and cannot be is brought to what can, once the field is left.
number.addEventListener("change", () => {
  const typed = Number(number.value);
  const factor = number.value === "" || Number.isNaN(typed) ? null : clamp(typed);
  if (factor !== props.value.factor) choose(factor);
  number.value = factor === null ? props.value.auto : factor;
});
auto.addEventListener("click", () => { choose(null); range.focus(); });
watch("value", answered);
show();
