// hastscript, with `condition && child` allowed among the children.
import { h as element } from "hastscript";

const kept = (children) => children.flat(Infinity).filter((child) => child || child === 0);
const NODES = new Set(["element", "text", "raw", "root", "comment", "doctype"]);
const isProperties = (value) => value && typeof value === "object" && !Array.isArray(value) && !NODES.has(value.type);

/** Make an element: h("p", {className: "quiet"}, "text", condition && child). */
export function h(tag, ...rest) {
  const properties = isProperties(rest[0]) ? rest.shift() : {};
  return element(tag, properties, kept(rest));
}
