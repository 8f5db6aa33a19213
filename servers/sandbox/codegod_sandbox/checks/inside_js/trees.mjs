// Walks over the syntax trees of TypeScript.

/** A function that shows every node below one, and the node itself, to `see`. */
export function visitor(ts) {
  return function visit(node, see) {
    const waiting = [node];
    while (waiting.length) {
      const each = waiting.pop();
      if (each !== node || !ts.isSourceFile(each)) see(each);
      ts.forEachChild(each, (child) => void waiting.push(child));
    }
  };
}

/** The function that a node stands in. */
export function functionAround(ts, node) {
  for (let each = node.parent; each; each = each.parent) if (ts.isFunctionLike(each)) return each;
  return undefined;
}

/** What the function around a node is called. */
export function nameAround(ts, node) {
  const around = functionAround(ts, node);
  return around?.name?.getText() ?? around?.parent?.name?.getText?.() ?? "the code";
}

/** The beginning of a node's text, on one line. */
export function short(node) { return node.getText().replace(/\s+/g, " ").slice(0, 60); }
