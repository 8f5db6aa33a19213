// Our own rules for JavaScript and TypeScript, on TypeScript's syntax trees: stubs, values inside SQL, HTML and shell
// commands, packages that nobody declared, tests that check nothing.
import { builtinModules } from "node:module";
import { functionAround, nameAround, short, visitor } from "./trees.mjs";

/** The rules as a function of a file's name and tree; `tell` takes what they find. */
export function makeRules({ ts, request, aliases, isTest, lineOf, tell }) {
  const visit = visitor(ts);
  const around = (node) => functionAround(ts, node);
  const named = (node) => nameAround(ts, node);

  return function rules(file, source) {
    const test = isTest(file);
    const checks = test ? checkers(source) : new Set();
    visit(source, (node) => {
      if (test && ts.isCallExpression(node)) testCase(file, source, node, checks);
      if (test && ts.isCallExpression(node)) alwaysTrue(file, source, node);
      imported(file, source, node);
      if (test) return;
      if (ts.isThrowStatement(node) && isStub(node.expression)) {
        const message = `\`${named(node)}\` throws "not implemented": write the code that does what it promises.`;
        tell("rules", file, lineOf(source, node.getStart()), "placeholder", message);
      }
      emptyBody(file, source, node);
      endless(file, source, node);
      injected(file, source, node);
    });
  }

  // `throw new Error("not implemented")`, with anything behind it, or an error called NotImplementedError.
  function isStub(thrown) {
    if (!thrown || !ts.isNewExpression(thrown)) return false;
    const name = thrown.expression.getText();
    if (/(^|\.)NotImplemented(Error)?$/.test(name)) return true;
    const first = thrown.arguments?.[0];
    const said = first && (ts.isStringLiteralLike(first) ? first.text : ts.isTemplateExpression(first) ? first.head.text : "");
    return /Error$/.test(name) && /^\s*(todo\b.*)?not (yet )?implemented\b/i.test(said || "");
  }

  function emptyBody(file, source, node) {
    const method = ts.isMethodDeclaration(node);
    if (!(ts.isFunctionDeclaration(node) || method) || !node.body || node.body.statements.length) return;
    const name = node.name?.getText() ?? "";
    if (/^(_|noop\b)/.test(name) || ts.getDecorators?.(node)?.length) return;
    const exported = node.modifiers?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword);
    const promisesNothing = !node.parameters.length && /^(void|Promise<void>)$/.test(node.type?.getText() ?? "");
    if (promisesNothing || !(method || exported)) return;
    if (method && (!ts.isClassLike(node.parent) || node.parent.heritageClauses?.length)) return;
    if (/\S/.test(node.body.getText().slice(1, -1))) return; // a comment says why
    tell("rules", file, lineOf(source, node.getStart()), "placeholder", `\`${name}\` has an empty body: write the code that does what it promises.`);
  }

  function endless(file, source, node) {
    const forever = (ts.isWhileStatement(node) && node.expression.kind === ts.SyntaxKind.TrueKeyword)
      || (ts.isForStatement(node) && !node.condition);
    if (!forever) return;
    let ends = false;
    visit(node.statement, (each) => {
      if (ts.isBreakStatement(each) || ts.isReturnStatement(each) || ts.isThrowStatement(each)) ends = true;
      if (ts.isAwaitExpression(each) || ts.isYieldExpression(each)) ends = true;
      if (ts.isCallExpression(each) && /\bexit$/.test(each.expression.getText())) ends = true;
    });
    if (!ends) tell("rules", file, lineOf(source, node.getStart()), "endless-loop", "This loop never ends: nothing in it breaks, returns or waits.");
  }

  function injected(file, source, node) {
    const line = () => lineOf(source, node.getStart());
    if (ts.isCallExpression(node) && node.arguments.length) {
      const name = node.expression.getText().split(".").pop();
      const first = resolved(node.arguments[0], node);
      if (["query", "execute", "exec", "run", "all", "get", "prepare", "raw", "each", "$queryRawUnsafe"].includes(name) && sqlValue(first)) {
        tell("rules", file, line(), "sql-injection", "A value is written into SQL text: use a placeholder and pass the value apart.");
      }
      if (["insertAdjacentHTML", "write"].includes(name) && (name !== "write" || /^document\./.test(node.expression.getText())) && rawHtml(node.arguments[node.arguments.length - 1])) {
        tell("rules", file, line(), "html-injection", "A value is written into HTML, where it may be a script: use `textContent`, or escape it.");
      }
      if (["exec", "execSync"].includes(name) && glued(first) && /child_process/.test(source.text)) {
        tell("rules", file, line(), "shell-injection", "A value is written into a shell command: use `execFile` with a list of arguments.");
      }
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken
      && /\.(innerHTML|outerHTML)$/.test(node.left.getText()) && rawHtml(node.right)) {
      tell("rules", file, line(), "html-injection", "A value is written into HTML, where it may be a script: use `textContent`, or escape it.");
    }
  }

  function resolved(expression, from) {
    if (!ts.isIdentifier(expression)) return expression;
    const scope = around(from) ?? from.getSourceFile();
    let value = expression;
    visit(scope, (each) => {
      if (ts.isVariableDeclaration(each) && each.initializer && each.name.getText() === expression.text) value = each.initializer;
    });
    return value;
  }

  function glued(node) {
    return (ts.isTemplateExpression(node) && node.templateSpans.length > 0)
      || (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken && !ts.isStringLiteralLike(node.right));
  }

  function sqlValue(node) {
    const before = /(['"%=<>]|\b(LIKE|LIMIT|OFFSET|VALUES\s*\(|IN\s*\())\s*$/i;
    const harmless = /^(Number|parseInt|parseFloat|.*\.(length|map|join)\b)|placeholder|column|field|clause/i;
    if (ts.isTemplateExpression(node)) {
      if (!/\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|WHERE)\b/i.test(node.getText())) return false;
      let text = node.head.text;
      for (const span of node.templateSpans) {
        if (before.test(text) && !harmless.test(span.expression.getText())) return true;
        text = span.literal.text;
      }
      return false;
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      if (!/["'`]\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE)\b/i.test(node.getText())) return false;
      const parts = pieces(node);
      return parts.some((each, i) => i && !ts.isStringLiteralLike(each) && ts.isStringLiteralLike(parts[i - 1])
        && before.test(parts[i - 1].text) && !harmless.test(each.getText()));
    }
    return false;
  }

  function pieces(node) {
    return ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken ? [...pieces(node.left), node.right] : [node];
  }

  // A name or a property stands bare in the text; a call may escape, a number and a condition are none.
  function rawHtml(node) {
    const raw = (each) => (ts.isPropertyAccessExpression(each) && !/\.(length|id|size|count|index|className)$/.test(each.getText()))
      || (ts.isIdentifier(each) && /^(text|title|name|message|content|body|value|input|description|comment|query|html|user\w*)$/i.test(each.text));
    if (ts.isTemplateExpression(node)) return node.templateSpans.some((span) => raw(span.expression));
    if (ts.isBinaryExpression(node)) return pieces(node).some((each, i) => !ts.isStringLiteralLike(each) && raw(each));
    return ts.isPropertyAccessExpression(node) && /(value|search|hash|data|body)$/.test(node.getText());
  }

  function imported(file, source, node) {
    let module = "";
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) module = node.moduleSpecifier.text;
    else if (ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === "require")
      && node.arguments[0] && ts.isStringLiteralLike(node.arguments[0])) module = node.arguments[0].text;
    if (!module || request.packages === null || /^[./#]|^(node|data|https?|virtual|bun|astro):|^[@~$]\//.test(module)) return;
    const name = module.split("/").slice(0, module.startsWith("@") ? 2 : 1).join("/");
    if (builtinModules.includes(name) || builtinModules.includes(module)) return;
    if (request.packages.includes(name) || request.packages.includes(`@types/${name}`) || request.installed?.includes(name)) return;
    if (aliased(module)) return;
    const message = `\`${name}\` is neither installed nor in package.json. If there is such a package, declare it; if not, write the code without it.`;
    tell("rules", file, lineOf(source, node.getStart()), "unknown-package", message);
  }

  function aliased(module) {
    return aliases.some((alias) => module === alias || module.startsWith(alias.replace(/\*$/, "")));
  }

  function testCase(file, source, node, checks) {
    const name = node.expression.getText().replace(/\.(only|concurrent|sequential|each\(.*)$/s, "");
    if (!["it", "test"].includes(name)) return;
    const body = node.arguments.find((each) => ts.isArrowFunction(each) || ts.isFunctionExpression(each));
    if (!body) return;
    let checked = false;
    visit(body, (each) => {
      if (!ts.isCallExpression(each)) return;
      const called = each.expression.getText();
      if (/(^|\.)(expect\w*|assert\w*|should|toMatchSnapshot|fail)\b/.test(called) || /^t\.(is|equal|deepEqual|true|ok|assert)/.test(called)) checked = true;
      if (checks.has(called) || /expect|assert|check|verify|should/i.test(called.split(".").pop())) checked = true;
    });
    if (!checked) {
      const title = node.arguments[0]?.getText().slice(0, 60) ?? "";
      tell("rules", file, lineOf(source, node.getStart()), "no-assertion", `The test ${title} checks nothing: use \`expect\` or \`assert\`.`);
    }
  }

  function checkers(source) {
    const names = new Set();
    visit(source, (node) => {
      if ((ts.isFunctionDeclaration(node) || ts.isVariableDeclaration(node)) && node.name && /\b(expect|assert)\b/.test(node.getText())) names.add(node.name.getText());
    });
    return names;
  }

  function alwaysTrue(file, source, node) {
    const called = node.expression;
    let empty = false;
    const constant = (each) => each && (ts.isLiteralExpression(each) || [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword, ts.SyntaxKind.NullKeyword].includes(each.kind));
    if (/^assert(\.ok)?$/.test(called.getText())) empty = node.arguments[0]?.kind === ts.SyntaxKind.TrueKeyword;
    else if (/^assert\.\w*[eE]qual$/.test(called.getText())) empty = constant(node.arguments[0]) && constant(node.arguments[1]);
    else if (ts.isPropertyAccessExpression(called)) {
      const base = called.expression;
      if (ts.isCallExpression(base) && base.expression.getText() === "expect" && constant(base.arguments[0])) {
        empty = /^to(Be|Equal|StrictEqual|BeTruthy|BeFalsy|BeDefined|BeNull)$/.test(called.name.text);
      }
    }
    if (empty) tell("rules", file, lineOf(source, node.getStart()), "assert-true", `\`${short(node)}\` holds whatever the code does: compare what the code returned.`);
  }
}
