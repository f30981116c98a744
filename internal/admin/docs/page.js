"use strict";
// Shows /openapi.json. All text goes in as text, never as HTML.

function element(name, properties, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

const code = (text) => element("code", {}, text);
const typeID = (name) => "type-" + name;

// typeOf is a schema in words, with links to the types that it names.
function typeOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return ["any JSON"];
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [element("a", { href: "#" + typeID(name) }, name)];
  }
  if (schema.allOf) return typeOf(schema.allOf[0]);
  if (schema.oneOf) return schema.oneOf.flatMap((s, i) => (i ? [" or ", ...typeOf(s)] : typeOf(s)));
  const types = [schema.type].flat();
  if (types.includes("array")) return ["list of ", ...typeOf(schema.items)];
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return ["map of ", ...typeOf(schema.additionalProperties)];
  return [(schema.format || types[0]) + (types.includes("null") ? " or null" : "")];
}

// bounds are what else a value must be.
function bounds(s) {
  const words = [];
  if (s.enum) words.push(s.enum.join(", "));
  if (s.minimum !== undefined && s.maximum !== undefined) words.push(`${s.minimum} to ${s.maximum}`);
  if (s.maxLength !== undefined) words.push(`at most ${s.maxLength} characters`);
  if (s.default !== undefined) words.push(`default ${s.default}`);
  return words.join("; ");
}

function row(name, schema, required, description) {
  return element("tr", {},
    element("td", {}, code(name), required ? " (required)" : ""),
    element("td", {}, ...typeOf(schema), " ", element("span", { className: "soft" }, [description, bounds(schema) && `(${bounds(schema)})`].filter(Boolean).join(" "))));
}

const table = (rows) => element("table", {}, element("tbody", {}, ...rows));

function request(method, path, op) {
  const parts = [element("h3", {}, element("span", { className: "method" }, method.toUpperCase()), code(path)), element("p", {}, op.summary)];
  if (op.parameters) parts.push(table(op.parameters.map((p) => row(p.name, p.schema, p.required, p.description))));
  const body = op.requestBody?.content["application/json"]?.schema;
  if (body) parts.push(element("h4", {}, "Body"), element("p", {}, ...typeOf(body)));
  parts.push(element("h4", {}, "Answers"), table(Object.entries(op.responses).map(([status, r]) => {
    const content = Object.values(r.content || {})[0];
    return element("tr", {}, element("td", {}, code(status)), element("td", {}, ...(content ? typeOf(content.schema) : []), " ", element("span", { className: "soft" }, r.description)));
  })));
  const curl = `curl ${method === "post" ? "-X POST " : ""}-H "Authorization: Bearer $ADMIN_TOKEN" ${body ? "-H 'Content-Type: application/json' -d '{…}' " : ""}${location.origin}${path}`;
  return element("article", { id: op.operationId }, ...parts, element("pre", {}, curl));
}

function typeEntry(name, schema) {
  const rows = Object.entries(schema.properties || {}).map(([field, s]) => row(field, s, schema.required?.includes(field), s.description));
  return element("article", { id: typeID(name) }, element("h3", {}, name), table(rows));
}

async function show() {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`the document can't be loaded: ${answer.status}`);
  const spec = await answer.json();
  document.getElementById("about").append(...spec.info.description.split("`").map((text, i) => (i % 2 ? code(text) : text)));
  const list = element("ul", {});
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const [method, op] of Object.entries(item)) {
      list.append(element("li", {}, element("a", { href: "#" + op.operationId }, element("span", { className: "method" }, method.toUpperCase()), code(path)), " ", op.summary));
      document.getElementById("requests").append(request(method, path, op));
    }
  }
  document.getElementById("list").append(list);
  document.getElementById("types").append(...Object.entries(spec.components.schemas).map(([name, s]) => typeEntry(name, s)));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

show().catch((e) => document.getElementById("requests").append(String(e)));
